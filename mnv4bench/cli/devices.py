"""``mnv4bench devices``: which devices there are profiles for, and whether each can measure now."""

from mnv4bench.cli.reading import AsJson, emit, say


def command(as_json: AsJson = False) -> None:
    """List the device profiles and whether each is ready, absent or unusable, and why.

    Example: mnv4bench devices
    """
    from mnv4bench import codec, profiles
    from mnv4bench.devices import open_runner
    from mnv4bench.errors import BenchError
    from mnv4bench.findings import DeviceRow, Devices, Skipped
    from mnv4bench.render import terminal

    found, broken = profiles.load_all()
    rows = []
    for profile in found:
        try:
            status, detail = open_runner(profile).availability()
        except BenchError as error:
            status, detail = "unusable", error.what
        rows.append(
            DeviceRow(
                device=profile.device,
                runner=profile.runner,
                format=profile.format,
                precision=profile.precision,
                accelerator=profile.accelerator,
                status=status,
                detail=detail,
            )
        )
    skipped = tuple(Skipped(path=str(path), reason=error.what) for path, error in broken)
    listed = Devices(devices=tuple(rows), skipped=skipped)
    if as_json:
        emit(codec.encode_json(listed))
    else:
        say(terminal.devices(listed))
