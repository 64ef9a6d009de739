"""The task `text`: the next word, or byte, of a folder of texts of one's own."""
