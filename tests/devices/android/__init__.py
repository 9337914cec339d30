"""The android runner: its parsers on captures, and all of it on the double with the genuine adb."""
