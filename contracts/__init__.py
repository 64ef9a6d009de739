"""The compiled contracts (ABI and bytecode as JSON) that nodes and auditors hold every address against."""
