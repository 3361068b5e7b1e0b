"""The soak's own parts: a wrong number is worse than none."""

import itertools
import json
import math
import unittest
from collections import Counter

import parts  # noqa: F401
import census
import honest
import hostile
import judge
import tables
from load import Sample


def answer_of(stdout, **more):
    run = {"code": 0, "signal": None, "status": None, "stdout": stdout, "stderr": ""} | more
    return {"run": run}


def slices_of(*tails):
    """A slice of each company in turn, whose slowest of 200 honest jobs took so many milliseconds."""
    found = []
    for company, tail in zip(itertools.cycle(["honest", "hostile"]), tails):
        samples = [Sample("echo", 10.0) for _ in range(190)] + [Sample("echo", tail)] * 10
        found.append(judge.Slice(company, 1.0, samples, [], census.Census()))
    return found


class HonestJobs(unittest.TestCase):
    def test_no_two_jobs_have_the_same_answer(self):
        jobs = [job for client in range(3) for job in itertools.islice(honest.jobs_of(client, 1), 8)]
        self.assertEqual(len({job.expect for job in jobs}), len(jobs))
        self.assertEqual(Counter(job.kind for job in jobs), Counter(dict.fromkeys(honest.KINDS, 6)))

    def test_an_input_of_64_KiB_is_not_larger(self):
        job = honest.job_of("io_64k", "nonce-1")
        self.assertEqual(json.loads(job.body)["stdin"], job.expect)
        self.assertTrue(65_000 < len(job.expect) <= 64 * 1024)

    def test_an_answer_is_right_to_the_byte_or_wrong(self):
        self.assertEqual(honest.complaint(200, answer_of("x\n"), "x\n"), "")
        compiled = answer_of("x\n") | {"compile": answer_of("")["run"]}
        self.assertEqual(honest.complaint(200, compiled, "x\n"), "")
        warned = answer_of("x\n") | {"compile": answer_of("", stderr="w")["run"]}
        for name, status, answer in (
                ("another's output", 200, answer_of("y\n")),
                ("cut output", 200, answer_of("x")),
                ("a message on standard error", 200, answer_of("x\n", stderr="!")),
                ("an exit code", 200, answer_of("x\n", code=1)),
                ("a verdict", 200, answer_of("x\n", status="XX")),
                ("a warning of the compiler", 200, warned),
                ("no stage", 200, {"message": "x\n"}),
                ("no JSON", 200, None),
                ("busy", 503, {"message": "busy"}),
                ("nobody there", 0, "no answer")):
            with self.subTest(name):
                self.assertNotEqual(honest.complaint(status, answer, "x\n"), "")


class HostileJobs(unittest.TestCase):
    bomb = hostile.Hostile("o01_fork_bomb.c", "TO")

    def test_an_attack_ends_as_it_should_or_is_complained_of(self):
        held = answer_of("HELD fork: EAGAIN\n", status="TO", signal="SIGKILL", code=None)
        self.assertEqual(hostile.verdict_of(self.bomb, 200, held), ("TO", ""))
        breached = answer_of("BREACH 200 processes at once\n", status="TO")
        self.assertEqual(hostile.verdict_of(self.bomb, 200, breached)[0], "BREACH")
        for status, answer in ((200, answer_of("")), (200, answer_of("", status="XX")), (500, None)):
            self.assertNotEqual(hostile.verdict_of(self.bomb, status, answer)[1], "")

    def test_a_compiler_that_is_ended_is_the_attack(self):
        answer = answer_of("", status=None, code=None) | {"compile": {"status": "TO", "wall_time": 600}}
        row = hostile.Hostile("o16_compile_loop.cpp", "TO")
        self.assertEqual(hostile.verdict_of(row, 200, answer), ("TO", ""))
        self.assertEqual(hostile.length_of(answer).wall, 600)

    def test_every_row_is_a_program(self):
        for row in hostile.HOSTILE:
            with self.subTest(row.program):
                self.assertIn("content", row.body().decode())

    def test_an_honest_twin_takes_as_long_and_no_more_than_a_thread_can(self):
        for name, length, expected in (
                ("asleep", hostile.Length(300, 4, True), (hostile.SLEEPS, 300)),
                ("cut by the clock", hostile.Length(500, 990, True), (hostile.SPINS, 500)),
                ("four threads", hostile.Length(210, 400, False), (hostile.COMPUTES, 210)),
                ("one thread", hostile.Length(310, 300, False), (hostile.COMPUTES, 300))):
            with self.subTest(name):
                self.assertEqual(hostile.pastime_of(length), expected)


class Judgement(unittest.TestCase):
    def test_the_ratio_is_of_all_slices_of_a_kind_together(self):
        slices = slices_of(100.0, 150.0, 100.0, 150.0)
        self.assertAlmostEqual(judge.ratio_of(slices), 1.5)
        self.assertEqual(judge.ratios_of_pairs(slices), [1.5, 1.5])
        self.assertTrue(math.isnan(judge.ratio_of(slices, "python")))

    def test_what_is_there_once_more_is_a_leak_and_what_comes_and_goes_alike_is_none(self):
        def host(**counts):
            return census.Census(Counter(counts))
        self.assertEqual(judge.leaks([host(a=1, b=2), host(a=1, b=2), host(a=1)]), [])
        self.assertEqual(judge.leaks([host(a=1), host(a=1, new=1), host(a=2, new=1)]),
                         [("a", 1, 2, 2), ("new", 0, 1, 1)])

    def test_what_the_engine_makes_once_is_no_leak_and_a_second_one_is(self):
        kind = "cgroups: cpu/soak#/pivot/lxc.pivot"
        hosts = [census.Census(Counter({kind: count})) for count in (0, 1, 2)]
        self.assertEqual(judge.leaks(hosts[:2]), [])
        self.assertEqual(judge.leaks(hosts), [(kind, 0, 2, 2)])
        other = census.Census(Counter({"cgroups: cpu/soak#/r#/pivot": 1}))
        self.assertEqual(len(judge.leaks([hosts[0], other])), 1)

    def test_memory_may_grow_while_it_warms_up_and_by_a_tenth(self):
        def host(mib):
            return census.Census(kib={"server RSS": mib * 1024})
        steady = judge.memory_of([host(mib) for mib in (10, 60, 80, 81, 80, 82, 81, 80, 82, 81)])
        self.assertTrue(steady[0].is_flat)
        growing = judge.memory_of([host(80 + 5 * hour) for hour in range(10)])
        self.assertFalse(growing[0].is_flat)
        self.assertAlmostEqual(growing[0].slope, 5 * 1024)
        self.assertEqual(judge.memory_of([host(1), host(2), host(3)]), [])

    def test_one_wrong_answer_too_much_delay_or_a_leak_is_missed(self):
        def missed(slices):
            return [what for what, _, _, met in tables.findings(slices) if not met]
        self.assertEqual(missed(slices_of(100.0, 150.0)), [])
        self.assertEqual(len(missed(slices_of(100.0, 250.0))), 1)
        wrong = slices_of(100.0, 150.0)
        wrong[0].honest[0].complaint = "wrong"
        self.assertEqual(len(missed(wrong)), 1)
        left = slices_of(100.0, 150.0)
        left[1].census = census.Census(Counter({"mounts": 1}))
        self.assertEqual(len(missed(left)), 1)

    def test_the_tables_hold_what_was_measured(self):
        lengths = {"o01_fork_bomb.c": hostile.Length(500, 990, True)}
        text = tables.markdown(slices_of(100.0, 150.0), lengths, "a machine")
        self.assertIn("| p99 beside hostile ÷ beside honest company | ≤ 2 | 1.50", text)
        json.dumps(tables.as_json(slices_of(100.0, 150.0), lengths, "a machine"))


if __name__ == "__main__":
    unittest.main()
