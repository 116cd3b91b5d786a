"""The browser of the tests: which Chromium to drive, and `make browser`, which fetches one where none is installed.

What is fetched comes from the npm registry with the hashes of tests/browser/package-lock.json: a headless Chromium
with the few libraries a bare image lacks (x86_64 Linux only), and Noto Sans SC in five weights (OFL-1.1), without
which every Chinese character is an empty box. Only Node of the test environment is needed; no root and no system
package.
"""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = ROOT / "tests" / "browser"
HOME = ROOT / ".tools" / "browser"
CHROMIUM = HOME / "chromium"
LIBRARIES = HOME / "lib"
FONTS = HOME / "fonts"
FONT_CONFIG = HOME / "fonts.conf"
INSTALLED = HOME / "installed"

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_CHROME = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

ADVICE = (
    "No Chromium for the browser tests: run `make browser`, or install one (Debian: apt install chromium), "
    "or set DECISIONFLOW_BROWSER to the path of a Chromium or Chrome."
)

# One brotli stream to one file: Python's standard library has no brotli, Node's has.
INFLATE = """
const { createReadStream, createWriteStream } = require("node:fs");
const { createBrotliDecompress } = require("node:zlib");
const { pipeline } = require("node:stream/promises");
const [from, to] = process.argv.slice(1);
pipeline(createReadStream(from), createBrotliDecompress(), createWriteStream(to)).catch((problem) => {
  console.error(String(problem));
  process.exit(1);
});
"""

# The system's fonts first where there are any; ours answer for Chinese and for the generic families.
FONT_CONFIG_TEXT = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
  <alias><family>sans-serif</family><default><family>Noto Sans S Chinese</family></default></alias>
  <alias><family>serif</family><default><family>Noto Sans S Chinese</family></default></alias>
</fontconfig>
"""


class BrowserMissing(RuntimeError):
    """No browser can be had; the message says what to install or set."""


@dataclass(frozen=True)
class Chromium:
    """A browser to start, and what its environment needs beside ours."""

    executable: str
    env: dict[str, str] = field(default_factory=dict)


def find() -> Chromium:
    """The Chromium to drive: the one named, the system's, or the one `make browser` fetched."""
    fonts = {"FONTCONFIG_FILE": str(FONT_CONFIG)} if FONT_CONFIG.exists() else {}
    if system := system_chromium():
        return Chromium(system, fonts)
    if not (INSTALLED.exists() and CHROMIUM.exists()):
        raise BrowserMissing(ADVICE)
    libraries = os.pathsep.join(filter(None, [str(LIBRARIES), os.environ.get("LD_LIBRARY_PATH")]))
    return Chromium(str(CHROMIUM), {**fonts, "LD_LIBRARY_PATH": libraries})


def system_chromium() -> str | None:
    """Path of a Chromium this machine already has, else None."""
    if named := os.environ.get("DECISIONFLOW_BROWSER"):
        if not answers(named):
            raise BrowserMissing(f"DECISIONFLOW_BROWSER is {named!r}, and that does not start as a Chromium or Chrome.")
        return named
    if os.environ.get("DECISIONFLOW_FORCE_WHEEL_SERVICES") == "1":
        return None
    on_path = [path for name in NAMES if (path := shutil.which(name))]
    return next(filter(answers, [*on_path, str(MAC_CHROME)]), None)


@cache
def answers(executable: str) -> bool:
    """Whether it tells its version: some distributions put a stub there that only asks for another package."""
    try:
        said = subprocess.run([executable, "--version"], capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return said.returncode == 0 and "Chrom" in said.stdout


def has_chinese_font() -> bool:
    """Whether the system can show Simplified Chinese; on macOS it always can."""
    if sys.platform == "darwin":
        return True
    if not (fc_list := shutil.which("fc-list")):
        return False
    return bool(subprocess.run([fc_list, ":lang=zh-cn", "family"], capture_output=True, check=False).stdout.strip())


def main() -> str:
    """Make a browser and a Chinese font available, doing as little as possible; says in one line what is used."""
    system = system_chromium()
    if system and has_chinese_font():
        return f"Browser for the tests: {system}."
    if not system and (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise BrowserMissing(ADVICE.replace("run `make browser`, or install", "install"))
    wanted = f"{'fonts' if system else 'all'} {lock_digest()}"
    if not INSTALLED.exists() or INSTALLED.read_text() != wanted:
        install(with_chromium=not system)
        INSTALLED.write_text(wanted)
    return f"Browser for the tests: {system or CHROMIUM.relative_to(ROOT)}, with a Chinese font in .tools/browser."


def lock_digest() -> str:
    return hashlib.sha256((MANIFEST / "package-lock.json").read_bytes()).hexdigest()


def install(*, with_chromium: bool) -> None:
    shutil.rmtree(HOME, ignore_errors=True)
    packages = HOME / "packages"
    shutil.copytree(MANIFEST, packages, ignore=shutil.ignore_patterns("node_modules"))
    npm("ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier", cwd=packages)
    modules = packages / "node_modules"
    if with_chromium:
        unpack_chromium(modules / "@sparticuz" / "chromium" / "bin")
    shutil.copytree(modules / "@embedpdf" / "fonts-sc" / "fonts", FONTS)
    shutil.copy(modules / "@embedpdf" / "fonts-sc" / "LICENSE", FONTS)
    FONT_CONFIG.write_text(FONT_CONFIG_TEXT.format(fonts=escape(str(FONTS)), cache=escape(str(HOME / "fonts-cache"))))
    shutil.rmtree(packages)


def unpack_chromium(packed: Path) -> None:
    """Unpacked here and not by the package's own script, which writes fixed names into the shared temp folder."""
    inflate(packed / "chromium.br", CHROMIUM)
    CHROMIUM.chmod(0o755)
    for name in ("al2023.tar", "swiftshader.tar"):
        archive = HOME / name
        inflate(packed / f"{name}.br", archive)
        with tarfile.open(archive) as tar:
            for file in filter(tarfile.TarInfo.isfile, tar):  # extractall has no safe filter before Python 3.11.4
                target = HOME / file.name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(tar.extractfile(file).read())
                target.chmod(file.mode)
        archive.unlink()


def inflate(packed: Path, into: Path) -> None:
    subprocess.run([node_tool("node"), "-e", INFLATE, str(packed), str(into)], check=True)


def npm(*arguments: str, cwd: Path) -> None:
    """npm of the environment, with the system's certificates and the environment's node first on PATH."""
    env = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])}
    env.setdefault("NODE_USE_SYSTEM_CA", "1")
    try:
        subprocess.run([node_tool("npm"), *arguments], cwd=cwd, env=env, check=True)
    except subprocess.CalledProcessError as failed:
        raise BrowserMissing(
            f"npm could not fetch the test browser (exit {failed.returncode}, its reason is above). {ADVICE}"
        ) from failed


def node_tool(name: str) -> str:
    tool = Path(sys.executable).parent / name
    if not tool.exists():
        raise BrowserMissing(f"{name} is not in the environment: run `make browser`, which installs it first.")
    return str(tool)


if __name__ == "__main__":
    try:
        print(main())
    except BrowserMissing as missing:
        sys.exit(str(missing))
