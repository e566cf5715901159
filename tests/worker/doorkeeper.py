"""Somebody at the door: holds every attempt that begins against limits, labels, broken hosts and who was next."""

from collections import Counter
from dataclasses import dataclass, field

from backend.runs.life import FAILED, PREEMPTED, STOPPED
from tests.worker.fake_trainers import BROKEN
from tests.worker.happenings import labels_of
from tests.worker.sight import NO_LIMIT, Eyes, SeenRun, Sight, words


@dataclass
class Doorkeeper:
    """Looks after each thing that was done; what it saw last is what was so before."""

    eyes: Eyes
    before: Sight | None = None
    forgiven: Counter[int] = field(default_factory=Counter)
    """The attempt of a run after which its owner let it try every host again."""
    placed: Counter[str] = field(default_factory=Counter)
    """How often something was there to be looked at."""

    def look(self) -> None:
        before, now = self.before, self.eyes.see()
        if now is before:
            return
        self.before = now
        self._check_leases(now)
        if before is None:
            return
        for name in now.attempts.keys() - before.attempts.keys():
            run, host = now.runs[name[0]], now.attempts[name].host
            self.placed["attempts"] += 1
            self._check_place(now, run, host)
            if run.attempt == name[1] and run.holds:
                self._check_limits(before, now, run)
            self._check_turn(before, now, run, host)

    def forgive(self, run_id: int) -> None:
        """Its owner asks for it again, wherever it failed."""
        run = self.before.runs.get(run_id) if self.before else None
        if run is not None and run.state in (FAILED, STOPPED):
            self.forgiven[run_id] = run.attempt

    def keeps_off(self, sight: Sight, run_id: int) -> set[str]:
        """The hosts that were at fault when it failed there, since its owner last asked for it."""
        return {
            row.host
            for (owner, number), row in sight.attempts.items()
            if owner == run_id and number > self.forgiven[run_id]
            if row.outcome == "failed" and str(row.sentence).startswith(BROKEN)
        }

    def carries(self, host: str, run: SeenRun) -> bool:
        return set(words(run.labels)).issubset(labels_of(host))

    def _check_leases(self, now: Sight) -> None:
        """What is under way holds what it asked for, and nothing else holds anything, at any moment."""
        wanted = {(run.id, run.attempt): run.devices for run in now.runs.values() if run.holds}
        assert now.leases == wanted, f"devices are held by {dict(now.leases)}, and wanted by {wanted}"
        for run in now.runs.values():
            assert run.state != PREEMPTED, f"run {run.id} was preempted and is not queued again"

    def _check_place(self, now: Sight, run: SeenRun, host: str) -> None:
        assert self.carries(host, run), f"run {run.id} requires {run.labels}, and began on {host}"
        newest = max(number for owner, number in now.attempts if owner == run.id)
        if now.attempts[run.id, newest].host == host and now.attempts[run.id, newest].ended_at is None:
            off = self.keeps_off(now, run.id)
            self.placed["kept off"] += bool(off)
            assert host not in off, f"run {run.id} failed on {host}, which is broken, and began there again"

    def _check_limits(self, before: Sight, now: Sight, run: SeenRun) -> None:
        """A limit that was set meanwhile may have been another one when the run began."""
        for whose in run.owners:
            allowed = [
                max(one, other)
                for one, other in zip(
                    before.limits.get(whose, NO_LIMIT), now.limits.get(whose, NO_LIMIT), strict=True
                )
            ]
            self.placed["limits"] += allowed != [*NO_LIMIT]
            held = now.held_by(whose)
            assert held[0] <= allowed[0], f"{whose} has {held} under way, and may have {allowed}"
            assert held[1] <= allowed[1], f"{whose} has {held} under way, and may have {allowed}"

    def _check_turn(self, before: Sight, now: Sight, run: SeenRun, host: str) -> None:
        """Nobody starts on devices that are kept for whoever is next, unless he can start elsewhere at once,
        or a limit holds him back."""
        was, first = before.next_in_line(), now.next_in_line()
        if was is None or first is None or was.id != first.id:
            return
        if any(whose in sight.limits for whose in first.owners for sight in (before, now)):
            return
        kept = now.hosts.get(first.reserved_host_id or 0)
        if kept != host or was.reserved_host_id != first.reserved_host_id or run.expected_s is not None:
            return
        room_elsewhere = [
            other
            for number, other in now.hosts.items()
            if other != host and self.carries(other, first) and other not in words(first.excluded)
            if max(now.free.get(number, 0), before.free.get(number, 0)) >= first.devices
        ]
        self.placed["turns"] += 1
        assert room_elsewhere, f"run {run.id} took what is kept on {host} for run {first.id}"
