"""What follows from a block's hash alone: headers, tries, receipts and accounts, built and checked. Pure."""
