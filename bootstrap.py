"""Prepares this checkout: `python3 bootstrap.py [run|test|check]`.

    run    what `make run` needs: the Python packages and the web pages
    check  what `make check` needs: the Python packages with the development tools
    test   what `make test` needs: both, the mini-program builds, Chromium and a Chinese font

Each step leaves a stamp in .venv with a hash of what it was made from, so a second run does what changed.
The file is read by any Python 3: one that is too old for the platform gets a sentence, so annotations that
an old one cannot read are quoted.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
PYTHON_NEEDED = (3, 11)
NODE_NEEDED = 18
FREE_NEEDED_BYTES = 2 * 2**30
LOG_TAIL_LINES = 15
WEB_TARGETS = {"run": ["h5"], "test": ["h5", "mp-weixin", "mp-alipay"], "check": []}
WEB_SOURCES = ["src", "index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts"]
NEEDS_COMPILER = "A package has to be compiled here: install a C compiler (gcc) and Python's headers."
# What the log of a failed step says → how to mend it.
REMEDIES = {
    "command 'gcc' failed": NEEDS_COMPILER,
    "unable to execute": NEEDS_COMPILER,
    "Python.h: No such file": "A package has to be compiled here: install Python's headers (python3-dev).",
    "ensurepip is not available": "Python's venv module is incomplete: install the package python3-venv.",
    "No module named venv": "Python's venv module is missing: install the package python3-venv.",
    "No space left on device": "The disk is full: free some space and try again.",
    "Temporary failure in name resolution": "The network cannot be reached: mend it and try again.",
    "NewConnectionError": "The package registry cannot be reached: mend the network or the proxy.",
    "EAI_AGAIN": "The network cannot be reached: mend it and try again.",
    "ECONNREFUSED": "The npm registry cannot be reached: mend the network or the proxy.",
    "in sync": "miniprogram/package-lock.json does not fit package.json: run npm install in miniprogram.",
    "Permission denied": "Some files here belong to another user: make them yours and try again.",
}


class CannotPrepare(Exception):
    """One sentence: what is missing, and how to mend it."""


class Preparation:
    """The steps over one checkout at `root`; `log_path` gets the output of pip and npm."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.venv = root / ".venv"
        self.stamps = self.venv / ".stamps"
        self.web = root / "miniprogram"
        self.console = root / "console"
        self.log_path = root / "var" / "bootstrap.log"

    def prepare(self, goal: str) -> None:
        require_python(tuple(sys.version_info[:3]))
        self.prepare_folders()
        with OneAtATime(self.root / "var" / "bootstrap.lock"):
            self.prepare_python(["demo"] if goal == "run" else ["demo", "dev"])
            self.prepare_web(WEB_TARGETS[goal])
            if goal != "check":
                self.prepare_console()
            if goal == "test":
                self.prepare_browser()

    def prepare_folders(self) -> None:
        try:
            self.log_path.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise CannotPrepare(
                f"{self.root} cannot be written ({error.strerror}): use a folder of yours."
            ) from error

    def prepare_python(self, extras: "list[str]") -> None:
        inputs = fingerprint(self.root, ["setup.cfg", "pyproject.toml", "constraints.txt"])
        version = ".".join(str(part) for part in sys.version_info[:2])
        # The development extra holds everything the demo needs, so either stamp serves `run`.
        names = ["python-dev"] if "dev" in extras else ["python-dev", "python-demo"]
        wanted = f"{inputs} {self.root}"
        if (self.venv / "bin" / "python").exists() and any(self.has_stamp(name, wanted) for name in names):
            return
        require_space(self.root)
        for name in ("python-dev", "python-demo"):
            (self.stamps / name).unlink(missing_ok=True)
        if not self.has_usable_venv():
            self.step(
                f"Python {version} environment",
                [sys.executable, "-m", "venv", "--clear", str(self.venv)],
                self.root,
            )
        pip = [str(self.venv / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check"]
        self.step(
            "Python packages (a minute or two the first time)",
            [*pip, "-c", "constraints.txt", "-e", ".[" + ",".join(extras) + "]"],
            self.root,
        )
        self.write_stamp(names[-1], wanted)

    def has_usable_venv(self) -> bool:
        """Whether .venv has a Python that is new enough, has pip, and was made in this very folder."""
        python = self.venv / "bin" / "python"
        probe = f"import pip, sys; sys.exit(sys.version_info < {PYTHON_NEEDED!r})"
        try:
            if subprocess.run([str(python), "-c", probe], stderr=subprocess.DEVNULL).returncode != 0:
                return False
            first_line = (self.venv / "bin" / "pip").read_text().splitlines()[0]
        except (OSError, IndexError):
            return False
        return first_line.startswith("#!" + str(self.venv))

    def prepare_web(self, targets: "list[str]") -> None:
        if not targets:
            return
        if not (self.web / "package.json").exists():
            say("Web pages: skipped, there is no miniprogram/package.json yet.")
            return
        packages = fingerprint(self.web, ["package.json", "package-lock.json", ".npmrc"])
        sources = fingerprint(self.web, WEB_SOURCES)
        is_installed = (self.web / "node_modules").is_dir() and self.has_stamp("npm", packages)
        missing = [
            target
            for target in targets
            if not (is_installed and self.built(target).is_dir() and self.has_stamp("web-" + target, sources))
        ]
        if not missing:
            return
        require_node()
        if not is_installed:
            require_space(self.root)
            command = "ci" if (self.web / "package-lock.json").exists() else "install"
            self.step(
                "Web packages (a minute the first time)",
                ["npm", command, "--no-audit", "--no-fund", "--loglevel=error"],
                self.web,
            )
            self.write_stamp("npm", packages)
        for target in missing:
            self.step(f"Pages for {target}", ["npm", "run", "build:" + target], self.web)
            if not self.built(target).is_dir():
                raise CannotPrepare(
                    f"npm run build:{target} left nothing in {self.built(target)}: read {self.log_path}."
                )
            self.write_stamp("web-" + target, sources)

    def prepare_console(self) -> None:
        """The staff pages, in console/dist."""
        if not (self.console / "package.json").exists():
            return
        packages = fingerprint(self.console, ["package.json", "package-lock.json", ".npmrc"])
        sources = fingerprint(self.console, WEB_SOURCES)
        is_installed = (self.console / "node_modules").is_dir() and self.has_stamp("npm-console", packages)
        is_built = (self.console / "dist").is_dir() and self.has_stamp("console", sources)
        if is_installed and is_built:
            return
        require_node()
        if not is_installed:
            require_space(self.root)
            install = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            self.step("Packages of the staff pages (half a minute the first time)", install, self.console)
            self.write_stamp("npm-console", packages)
        self.step("Staff pages", ["npm", "run", "build"], self.console)
        if not (self.console / "dist").is_dir():
            raise CannotPrepare(
                f"npm run build left nothing in {self.console / 'dist'}: read {self.log_path}."
            )
        self.write_stamp("console", sources)

    def built(self, target: str) -> Path:
        return self.web / "dist" / "build" / target

    def prepare_browser(self) -> None:
        wanted = []
        if not (
            shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        ):
            wanted.append("chromium")
        if not has_chinese_font():
            wanted.append("fonts-noto-cjk")
        if not wanted:
            return
        names = " and ".join(wanted)
        prefix = root_prefix()
        if not shutil.which("apt-get") or prefix is None:
            raise CannotPrepare(
                f"The browser tests need {names}: install them with your system's package manager."
            )
        apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]
        self.step("List of system packages", [*apt, "update"], self.root)
        install = [*apt, "install", "-y", "--no-install-recommends", *wanted]
        self.step(f"System packages: {names} (a minute)", install, self.root)

    def step(self, title: str, command: "list[str]", folder: Path) -> None:
        """Runs `command` with its output in the log; CannotPrepare with the log's end when it fails."""
        say(title + " …")
        started_at = time.monotonic()
        with self.log_path.open("ab") as log:
            log.write(("\n$ " + " ".join(command) + "\n").encode())
            log.flush()
            log_start = log.tell()
            try:
                code = subprocess.run(
                    command, cwd=str(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log
                ).returncode
            except OSError as error:
                raise CannotPrepare(f"{command[0]} cannot be run ({error.strerror}): install it.") from error
        if code != 0:
            with self.log_path.open("rb") as log:
                log.seek(log_start)
                text = log.read().decode("utf-8", "replace")
            for line in text.splitlines()[-LOG_TAIL_LINES:]:
                print("  | " + line, file=sys.stderr)
            remedy = next(
                (sentence for sign, sentence in REMEDIES.items() if sign in text),
                f"Mend what the lines above (all of them: {self.log_path}) name, and run this again.",
            )
            raise CannotPrepare(f"{title.split(' (')[0]}: failed with code {code}. {remedy}")
        say(f"    done in {time.monotonic() - started_at:.0f} s")

    def has_stamp(self, name: str, wanted: str) -> bool:
        try:
            return (self.stamps / name).read_text() == wanted
        except OSError:
            return False

    def write_stamp(self, name: str, text: str) -> None:
        self.stamps.mkdir(parents=True, exist_ok=True)
        (self.stamps / name).write_text(text)


class OneAtATime:
    """Holds the file at `path` locked: two preparations at once would spoil each other's packages."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        try:
            import fcntl
        except ImportError:
            raise CannotPrepare(
                "This system has no file locks Python knows: use Linux, macOS or WSL."
            ) from None
        self.file = self.path.open("w")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another preparation of this folder …")
            fcntl.flock(self.file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self.file.close()


def require_python(version: "tuple[int, ...]") -> None:
    if tuple(version[:2]) < PYTHON_NEEDED:
        needed, here = (".".join(str(part) for part in parts[:3]) for parts in (PYTHON_NEEDED, version))
        raise CannotPrepare(
            f"Python {needed} or newer is needed and this is {here}: "
            f"run it with a newer one, for example make PYTHON=python{needed} run."
        )


def require_space(folder: Path) -> None:
    free_bytes = shutil.disk_usage(str(folder)).free
    if free_bytes < FREE_NEEDED_BYTES:
        raise CannotPrepare(
            f"Only {free_bytes >> 20} MB are free in {folder}: 2048 MB are needed, free some."
        )


def require_node() -> None:
    try:
        text = subprocess.run(["node", "--version"], stdout=subprocess.PIPE).stdout.decode().strip()
        has_npm = shutil.which("npm") is not None
        major = int(text.lstrip("v").split(".")[0])
    except (OSError, ValueError):
        text, has_npm, major = "missing", False, 0
    if major < NODE_NEEDED or not has_npm:
        what = "npm is missing" if major >= NODE_NEEDED else f"node is {text}"
        raise CannotPrepare(
            f"The pages are built with Node.js {NODE_NEEDED} or newer and npm, and {what}: install them."
        )


def has_chinese_font() -> bool:
    try:
        found = subprocess.run(
            ["fc-list", ":lang=zh-cn", "family"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError:
        return any(Path("/usr/share/fonts").glob("**/Noto*CJK*"))
    return bool(found.stdout.strip())


def root_prefix() -> "list[str] | None":
    """How to run a command as root without a password; None when there is no way."""
    if os.geteuid() == 0:
        return []
    try:
        allowed = subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return None
    return ["sudo", "-n"] if allowed else None


def fingerprint(folder: Path, names: "list[str]") -> str:
    """A hash of the named files and of all files in the named folders; a missing one counts as such."""
    digest = hashlib.sha256()
    for name in names:
        path = folder / name
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
            digest.update(json.dumps([str(file.relative_to(folder)), content]).encode())
    return digest.hexdigest()


def say(text: str) -> None:
    print(text, flush=True)


def main(arguments: "list[str]") -> int:
    goal = arguments[0] if arguments else "run"
    if len(arguments) > 1 or goal not in WEB_TARGETS:
        print("usage: python3 bootstrap.py [run|test|check]", file=sys.stderr)
        return 2
    try:
        Preparation(ROOT).prepare(goal)
    except CannotPrepare as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run it again to go on.", file=sys.stderr)
        return 130
    except OSError as error:
        print(f"{error.filename or ROOT}: {error.strerror}: mend it and run this again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
