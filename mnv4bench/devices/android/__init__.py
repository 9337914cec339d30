"""An Android phone on a cable, driven through the genuine adb."""
