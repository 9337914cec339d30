"""``mnv4bench devices``: which profiles there are, which can measure now, what is attached."""

from mnv4bench.cli.reading import AsJson, emit, say


def command(as_json: AsJson = False) -> None:
    """List the device profiles and whether each is ready, absent or unusable, and why.

    Then the phones that are attached now, with the profiles that mean them.

    Example: mnv4bench devices
    """
    from mnv4bench import codec, profiles
    from mnv4bench.cli import attached
    from mnv4bench.devices import open_runner
    from mnv4bench.errors import BenchError
    from mnv4bench.findings import DeviceRow, Devices, Skipped
    from mnv4bench.render import devices

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
    phones, unknown = attached.phones(found)
    listed = Devices(
        devices=tuple(rows),
        attached=phones,
        attached_unknown=unknown,
        skipped=tuple(Skipped(path=str(path), reason=error.what) for path, error in broken),
    )
    if as_json:
        emit(codec.encode_json(listed))
    else:
        say(devices.devices(listed))
