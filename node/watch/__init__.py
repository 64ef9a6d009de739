"""The live page: a read-only HTTP server that shows a circle as it goes, or a bundle. It never holds a key."""
