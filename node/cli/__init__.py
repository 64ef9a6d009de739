"""The commands of `folkmoot`: each parses, calls one function, prints."""
