"""Which circle a byte string belongs to: chain id and contract address."""

from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from ledger.identity.addresses import encode_address, encode_word

_DOMAIN_TYPE = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")


@dataclass(frozen=True)
class Network:
    """One circle on one chain."""

    chain_id: int
    """EIP-155 chain id."""
    contract: str
    """The circle's address, EIP-55 checksummed."""

    @classmethod
    def of(cls, chain_id: int, contract: str) -> "Network":
        """Build from any spelling of the address. Raises ValueError if it is not one."""
        return cls(chain_id, to_checksum_address(contract))

    @cached_property
    def domain_separator(self) -> bytes:
        """32 bytes (R2): EIP-712, name `Folkmoot`, version `1`. Names the network inside blobs and messages too."""
        return keccak(
            _DOMAIN_TYPE
            + keccak(b"Folkmoot")
            + keccak(b"1")
            + encode_word(self.chain_id)
            + encode_address(self.contract)
        )
