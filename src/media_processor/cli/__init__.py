"""The command ``media-processor``: a folder or a file a command."""
