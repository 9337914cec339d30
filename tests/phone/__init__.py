"""The phone double: a folder that the genuine ``adb`` takes for an Android phone.

* `protocol`, `sync`: the device's side of the adb protocol over TCP, with its faults.
* `android`, `toolbox`, `handsets`: what makes it a phone, and ready made phones.
* `benchmark_model`: doubles of both benchmark programs; they run the real LiteRT on the host.
* `genuine_adb`: the fixture that plugs phones into an adb server of its own.

Not covered: SELinux, toybox's own manners, real heat, bionic binaries, a USB cable. The list of
what only a person with a phone can see is in docs/.
"""
