"""What ethers, viem and web3.py can do on our chain."""
