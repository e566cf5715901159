"""What is in the way of a start is said in one sentence that helps."""

import socket
from pathlib import Path

import pytest

from worker.ground import CannotStart, claim_home, require_free_port


def test_a_home_gets_its_folders_and_belongs_to_its_owner_alone(tmp_path: Path) -> None:
    with claim_home(tmp_path / "new" / "home"):
        assert {"logs", "runs", "previews", "data"} <= {f.name for f in (tmp_path / "new" / "home").iterdir()}
    assert (tmp_path / "new" / "home").stat().st_mode & 0o077 == 0


def test_a_second_platform_on_one_home_is_told_of_the_first(tmp_path: Path) -> None:
    with (
        claim_home(tmp_path),
        pytest.raises(CannotStart, match=r"already runs on .* \(process \d+\)"),
        claim_home(tmp_path),
    ):
        pytest.fail("two platforms held one home")


def test_a_home_is_free_again_after_a_crash(tmp_path: Path) -> None:
    with pytest.raises(KeyError), claim_home(tmp_path):
        raise KeyError("a crash")
    with claim_home(tmp_path):
        pass


def test_two_homes_are_two_platforms(tmp_path: Path) -> None:
    with claim_home(tmp_path / "a"), claim_home(tmp_path / "b"):
        assert (tmp_path / "a" / "up.lock").read_text() == (tmp_path / "b" / "up.lock").read_text()


def test_a_file_in_the_place_of_the_home_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").touch()
    with (
        pytest.raises(CannotStart, match=r"cannot be written .*choose another with --home"),
        claim_home(tmp_path / "home"),
    ):
        pytest.fail("a file was taken for a home")


def test_a_port_that_somebody_listens_on_is_said_with_another_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"Port {port} on 127.0.0.1 is in use.*--port {port + 1}"):
            require_free_port("127.0.0.1", port)
    require_free_port("127.0.0.1", port)


def test_a_port_that_was_just_left_is_free() -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as uvicorn does
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            server.accept()[0].close()
    require_free_port("127.0.0.1", port)


@pytest.mark.parametrize("host", ["203.0.113.9", "no.such.host.invalid"])
def test_an_address_that_is_not_ours_is_said(host: str) -> None:
    with pytest.raises(CannotStart, match="--host"):
        require_free_port(host, 0)
