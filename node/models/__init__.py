"""Models outside of a circle: handed on as files, checked against chain and blobs, compared, and started from."""
