"""Which circle a byte string belongs to: chain id and contract address."""

from dataclasses import dataclass
from functools import cached_property

from eth_hash.auto import keccak
from eth_utils.address import to_canonical_address, to_checksum_address

_DOMAIN_TYPE = keccak(b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")


@dataclass(frozen=True)
class Network:
    """One circle on one chain.

    chain_id: EIP-155 chain id. contract: the circle's address, EIP-55 checksummed.
    """

    chain_id: int
    contract: str

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
            + self.chain_id.to_bytes(32, "big")
            + to_canonical_address(self.contract).rjust(32, b"\0")
        )
