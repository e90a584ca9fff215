from vidtrack.video import available_hardware, library_versions


def test_versions_and_hardware_are_plain_data() -> None:
    versions = library_versions()
    assert {"av", "libavcodec", "libavformat"} <= set(versions)
    assert all(isinstance(v, str) and v[0].isdigit() for v in versions.values())
    assert all(isinstance(name, str) for name in available_hardware())
