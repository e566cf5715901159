from tests.worker.lab_machine import converges


def test_whatever_happens_it_converges_when_it_is_left_in_peace() -> None:
    converges(examples=20, steps=30, derandomize=True)
