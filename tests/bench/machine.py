"""How quiet the machine was while something was measured."""

import os
import platform


class Machine:
    """How quiet the machine was: the share of processor time that others took while we measured."""

    def __init__(self):
        self.load = os.getloadavg()[0]
        self.ticks = self.processor_ticks()

    @staticmethod
    def processor_ticks():
        with open("/proc/stat", encoding="utf-8") as stat:
            return [int(word) for word in stat.readline().split()[1:9]]

    def describe(self):
        spent = [now - then for now, then in zip(self.processor_ticks(), self.ticks)]
        warning = ". **Others were busy when this began: missed bars prove nothing.**"
        return (f"{os.cpu_count()} processors, Linux {platform.release()}, load average "
                f"{self.load:.1f} before and {os.getloadavg()[0]:.1f} after, "
                f"{100 * spent[7] / max(sum(spent), 1):.1f} % of the time stolen by the hypervisor"
                + (warning if self.load > os.cpu_count() / 2 else ""))
