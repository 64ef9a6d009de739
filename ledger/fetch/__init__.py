"""Getting blobs from gateways over HTTP, trusting none of them."""
