"""The guidance methods, one file each; the registry finds every file in this folder."""
