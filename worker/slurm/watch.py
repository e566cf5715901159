"""Looks at runs that SLURM carries: their journals often, SLURM itself in one poll every few seconds."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from backend.db import now
from backend.runs.claims import give_back, mark_gone
from backend.runs.life import RUNNING, STOPPING
from backend.runs.watched import Watched, rehost, silent_hosts, watched
from backend.slurm.commands import Refused, SlurmAway
from backend.slurm.jobs import JobId
from backend.slurm.profile import Profile
from backend.slurm.record import (
    JobSight,
    give_up_fruitless,
    live_profiles,
    note_answer,
    note_jobs,
    note_silence,
)
from worker.causes import Cause, cause_of, tail_of
from worker.clock import failure_of
from worker.journal import drain, drain_together
from worker.launchers import Exit
from worker.launchers.slurm import SlurmHandle, SlurmLauncher
from worker.place import Workplace
from worker.runs import ask_to_stop
from worker.slurm.asking import about_site
from worker.slurm.probing import look_at_probes
from worker.slurm.states import AT_WORK, VANISHED, WAITING, WITHDRAWN, Deed, Told, Verdict, decide, told_by
from worker.slurm.submit import Unanswered, forget_arrays, mend_submissions, submit_runs
from worker.watch import KILL_AFTER_S, TEARDOWN_S, Waits

log = logging.getLogger(__name__)

POLL_S = 5.0
"""Between polls of a site: its controller serves everybody."""
SITE_S = 60.0
"""Between questions for its partitions."""
PROBE_S = 1.0
FORGOTTEN_S = 60.0
"""How long SLURM may not know a job whose journal still grows, before the run is lost."""
ADOPT_S = 20.0
ADOPT_AFTER = timedelta(seconds=60)
"""A host whose worker was silent for so long watches nothing any more."""
AFTER_END_S = 1.0
"""From an end line to the poll that looks whether the job has left."""


@dataclass
class SlurmWatch:
    """One worker's watch of the jobs it submitted. Rows and files are the truth, here as everywhere."""

    place: Workplace
    launcher: SlurmLauncher
    poll_s: float = POLL_S
    polled_at: dict[str, float] = field(default_factory=dict)
    sites_at: dict[str, float] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)
    unanswered: Unanswered = field(default_factory=set)
    over_since: dict[str, float] = field(default_factory=dict)
    forgotten_since: dict[str, float] = field(default_factory=dict)
    waits: Waits = field(default_factory=Waits)
    spoiled: set[int] = field(default_factory=set)
    """Runs that could not be looked at the last time."""

    def look(self) -> None:
        """Submit what waits, read what was written, ask SLURM when it is time."""
        with self.place.looks.begin() as db:
            profiles = live_profiles(db)
            if not profiles:
                return
            rows = [row for row in watched(db, host=self.place.host) if row.profile_id is not None]
        self.waits.forget(rows)
        if self._is_due(self.sites_at, "to adopt", ADOPT_S):
            self.adopt()
            forget_arrays(self.place)
        for login in {profile.login for profile in profiles.values()}:
            mine = [row for row in rows if row.profile_id and profiles[row.profile_id].login == login]
            self._look_at_site(login, mine, profiles)
        if self._is_due(self.sites_at, "to look at probes", PROBE_S):
            look_at_probes(self.place, self.launcher, profiles, silent=self.silent)
        submit_runs(self.place, self.launcher, profiles, silent=self.silent, unanswered=self.unanswered)

    def adopt(self) -> None:
        """Take over what a worker that went away had submitted: SLURM knows the jobs, whoever asks."""
        with self.place.looks.begin() as db:
            gone = silent_hosts(db, since=now() - ADOPT_AFTER)
            profiles = live_profiles(db)
            rows = [row for row in watched(db) if row.host in gone and row.host != self.place.host]
        for row in rows:
            profile = profiles.get(row.profile_id or 0)
            if profile is not None and self.launcher.site(profile.login).is_here:
                log.warning("run %d: its job is watched from here, %s went away", row.run_id, row.host)
                with self.place.sessions.begin() as db:
                    rehost(db, run_id=row.run_id, attempt=row.attempt, host=self.place.host)

    def _look_at_site(self, login: str, rows: Sequence[Watched], profiles: Mapping[int, Profile]) -> None:
        current = drain_together(self.place, [row for row in rows if row.run_id not in self.spoiled])
        for row in rows:
            if row.run_id not in current:
                self._safely(row, partial(self._read_on, row, login))
        if not self.launcher.site(login).is_here or not self._is_due(self.polled_at, login, self.poll_s):
            return
        try:
            self._ask(login, rows, profiles)
        except (SlurmAway, Refused) as away:
            self._note_silence(login, str(away))

    def _ask(self, login: str, rows: Sequence[Watched], profiles: Mapping[int, Profile]) -> None:
        known = [row for row in rows if row.handle is not None]
        asks_site = self._is_due(self.sites_at, login, SITE_S) or login in self.silent
        found = about_site(self.launcher.site(login)) if asks_site else None
        polled = self.launcher.poll(login, [_job(row) for row in known])
        sights = {_job(row): self._settled(row, polled[_job(row)]) for row in known}
        if known or asks_site:
            with self.place.sessions.begin() as db:
                note_answer(db, login, found)
                note_jobs(db, {(row.run_id, row.attempt): sights[_job(row)] for row in known})
            self.silent.discard(login)
        for row in known:
            self._safely(row, partial(self._act, row, login, sights[_job(row)]))
        here = {number: profile for number, profile in profiles.items() if profile.login == login}
        mend_submissions(self.place, self.launcher, here, unanswered=self.unanswered)

    def _settled(self, row: Watched, sight: JobSight) -> JobSight:
        """A task that its array has no more was cancelled while it waited, unless it had begun."""
        if sight.state != WITHDRAWN:
            return sight
        has_begun = self._told(row, sight) is not Told.NOTHING
        return replace(sight, state=VANISHED if has_begun else "CANCELLED")

    def _act(self, row: Watched, login: str, sight: JobSight) -> None:
        # Seen first, read second: what a process wrote before it went is then in what we read.
        told = self._told(row, sight)
        verdict = decide(sight, told)
        if verdict.deed in (Deed.WAIT, Deed.WATCH):
            self._press(row, login, sight, told)
            return
        if sight.state == VANISHED and not told.is_end and not self._is_forgotten(row):
            return
        if verdict.deed is Deed.TAKE_BACK:
            self.launcher.end(login, sight.job)
        drain(self.place, row, hold_end=False)
        self.over_since.pop(str(row.handle), None)
        if not told.is_end:
            self._conclude(row, sight, verdict)

    def _conclude(self, row: Watched, sight: JobSight, verdict: Verdict) -> None:
        """The attempt is over and its trainer did not say so."""
        log.warning("run %d attempt %d: %s", row.run_id, row.attempt, verdict.sentence)
        about = {"run_id": row.run_id, "attempt": row.attempt}
        with self.place.sessions.begin() as db:
            if verdict.deed in (Deed.REQUEUE, Deed.TAKE_BACK):
                if not give_up_fruitless(db, **about, sentence=verdict.sentence):
                    give_back(db, **about, sentence=verdict.sentence)
                return
            cause = self._cause(row, sight, verdict) if verdict.deed is Deed.LOOK else None
            kind, sentence = cause or (verdict.kind, verdict.sentence)
            mark_gone(db, **about, kind=kind, sentence=sentence)

    def _cause(self, row: Watched, sight: JobSight, verdict: Verdict) -> Cause:
        """What the log says; a job that wrote nothing at all may not have seen its folder."""
        folder = self.place.folder(row.run_id)
        tail = tail_of(folder.log_file)
        if not tail and not folder.journal_file.exists():
            return Cause(
                "infrastructure",
                f"{verdict.sentence} Nothing was written into the run's folder: "
                "do compute nodes see the profile's runs folder?",
            )
        ended = Exit(None if sight.exit_signal else sight.exit_code, sight.exit_signal or None, 0)
        cause = cause_of(ended, tail, rules=self.place.settings.retry_rules)
        return Cause(cause.kind, f"{verdict.sentence} {cause.sentence}")

    def _press(self, row: Watched, login: str, sight: JobSight, told: Told) -> None:
        """A stop that was asked for, and processes that stay after their end line."""
        handle = str(row.handle)
        if told.is_end and sight.state in AT_WORK:
            if time.monotonic() - self.over_since.setdefault(handle, time.monotonic()) > TEARDOWN_S:
                self.launcher.end(login, sight.job)
            return
        if row.state is not STOPPING:
            return
        ask_to_stop(self.place, row)
        waited_s = self.waits.so_far_s(row)
        grace_s = self.place.settings.stop_grace_s
        if sight.state in WAITING or waited_s > grace_s:
            self.launcher.ask_to_leave(login, sight.job)
        if waited_s > grace_s + KILL_AFTER_S:
            self.launcher.end(login, sight.job)

    def _read_on(self, row: Watched, login: str) -> None:
        """Read what was written; after an end line SLURM is asked soon whether the job has left."""
        if drain(self.place, row, hold_end=True) is not None:
            soon = min(AFTER_END_S, self.poll_s)
            if time.monotonic() - self.polled_at.get(login, 0.0) > soon:
                self.polled_at.pop(login, None)

    def _told(self, row: Watched, sight: JobSight) -> Told:
        """While its processes are there only an end line matters, which lies after what was read.

        A job that waited when SLURM was asked may have begun since: only a run that was running before that
        question was put back into the queue.
        """
        if sight.state in WAITING and row.state is not RUNNING:
            return Told.NOTHING
        offset = row.journal_offset if sight.state in AT_WORK else 0
        lines = self.place.folder(row.run_id).read(offset)
        return told_by((line.event for line in lines), row.attempt)

    def _is_forgotten(self, row: Watched) -> bool:
        """Whether SLURM has not known the job for a while, and its journal has not grown meanwhile."""
        journal = self.place.folder(row.run_id).journal_file
        grown_s_ago = time.time() - journal.stat().st_mtime if journal.exists() else FORGOTTEN_S + 1
        since = self.forgotten_since.setdefault(str(row.handle), time.monotonic())
        return time.monotonic() - since > FORGOTTEN_S and grown_s_ago > FORGOTTEN_S

    def _note_silence(self, login: str, words: str) -> None:
        if login not in self.silent:
            log.warning("SLURM%s does not answer: %s", f" at {login}" if login else "", words)
        self.silent.add(login)
        with self.place.sessions.begin() as db:
            note_silence(db, login, words)

    def _safely(self, row: Watched, act: Callable[[], None]) -> None:
        failure = failure_of(act)
        if isinstance(failure, SlurmAway | Refused):
            raise failure
        if failure is None:
            self.spoiled.discard(row.run_id)
            return
        self.spoiled.add(row.run_id)
        log.error("run %d could not be looked at", row.run_id, exc_info=failure)

    @staticmethod
    def _is_due(last: dict[str, float], login: str, period_s: float) -> bool:
        if time.monotonic() - last.get(login, -period_s) < period_s:
            return False
        last[login] = time.monotonic()
        return True


def _job(row: Watched) -> JobId:
    return SlurmHandle.parse(str(row.handle)).job
