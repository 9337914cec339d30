"""An overview as one HTML page: its data, its parts, and how they become a file."""
