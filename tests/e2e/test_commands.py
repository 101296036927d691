"""The shells' completions and the man page say what `photogate --help` says: etc/completions, etc/man."""
import pathlib
import re
import shutil
import subprocess

import pytest

from scripts import unpacked
from tests.rig import stack as parts

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
COMPLETIONS, PAGE = ROOT / "etc" / "completions", ROOT / "etc" / "man" / "photogate.1"


def words_below(heading, text):
    return re.findall(r"^  (\w[\w-]*) {2,}", text.split(f"{heading}:\n", 1)[1].split("\n\n", 1)[0], re.M) if f"{heading}:\n" in text else []


@pytest.fixture(scope="module")
def helps(program):
    """{words: what `--help-all` prints} of every command."""
    found, left = {}, [()]
    while left:
        words = left.pop()
        found[words] = subprocess.run([program, *words, "--help-all"], check=True, capture_output=True, text=True, timeout=60).stdout
        left += [(*words, each) for each in words_below("Subcommands", found[words])]
    return found


def options_of(text):
    return set(re.findall(r"^  (?:-\w,)?(--[a-z][a-z0-9-]+)", text, re.M))


def completed(shell_words):
    """What bash offers for the last word of a line."""
    script = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _photogate; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(["bash", "-c", script, "bash", COMPLETIONS / "photogate.bash", "photogate", *shell_words], capture_output=True, text=True, timeout=60)
    assert not done.stderr, done.stderr
    return set(done.stdout.split())


def test_files_are_those_that_the_program_would_write(program):
    done = subprocess.run([ROOT / "scripts" / "render-commands", "--check", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_bash_offers_every_command_and_option_that_help_names(helps):
    assert len(helps) > 25 and ("key", "add") in helps
    for words, text in helps.items():
        offered = completed([*words, ""])
        assert set(words_below("Subcommands", text)) | options_of(text) == {each for each in offered if not re.fullmatch(r"-\w", each)}, words


def test_bash_completes_beginnings_files_and_commands_behind_options(tmp_path, helps):
    assert completed(["s"]) == {"serve", "setup", "sweep", "sign", "secret"}
    assert completed(["key", "re"]) == {"revoke"}
    assert completed(["serve", "--metrics"]) == set() and "--server-metrics-listen" in completed(["serve", "--server-m"])
    (tmp_path / "photogate.toml").touch()
    assert completed(["serve", "--config", f"{tmp_path}/ph"]) == {f"{tmp_path}/photogate.toml"}
    assert completed(["serve", "--log-level", ""]) == set(), "a value that nobody can guess"
    assert "--origin" in completed(["config", "show", "--config", "x.toml", "--o"])


def a_shell(name):
    """zsh or fish, unpacked where it is not installed."""
    try:
        return unpacked.program(name, {"zsh": "bin/zsh", "fish": "usr/bin/fish"}[name], f"{name}-common")
    except parts.StackError as error:
        pytest.skip(str(error))


def test_bash_reads_its_completions():
    done = subprocess.run(["bash", "-n", COMPLETIONS / "photogate.bash"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.drills
def test_zsh_reads_its_completions():
    done = subprocess.run([a_shell("zsh"), "-n", COMPLETIONS / "_photogate"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.drills
def test_fish_offers_commands_and_options_where_they_belong(helps):
    fish = a_shell("fish")
    for line, words in (("photogate ", ()), ("photogate key ", ("key",)), ("photogate serve --", ("serve",)), ("photogate sign put --", ("sign", "put"))):
        done = subprocess.run([fish, "--no-config", "-c", f"source {COMPLETIONS / 'photogate.fish'}; complete -C '{line}'"], capture_output=True, text=True, timeout=60)
        offered = {each.split("\t")[0] for each in done.stdout.splitlines()}
        wanted = options_of(helps[words]) if line.endswith("--") else set(words_below("Subcommands", helps[words]))
        assert wanted and wanted <= offered, line


def test_zsh_and_fish_name_every_option(helps):
    options = set().union(*map(options_of, helps.values()))
    assert len(options) > 100
    zsh, fish = (COMPLETIONS / "_photogate").read_text(), (COMPLETIONS / "photogate.fish").read_text()
    assert {each for each in options if f"'{each}[" not in zsh} == set()
    assert {each for each in options if f" -l {each[2:]} " not in fish} == set()


def test_man_page_names_every_command_option_and_exit_code(helps):
    page = PAGE.read_text().replace("\\-", "-")
    for words, text in helps.items():
        if words:
            assert f".SS \\fBphotogate {' '.join(words)}\\fR" in page
        for option in options_of(text):
            assert f"\\fB{option}\\fR" in page, option
    codes = re.findall(r"= (\d+),", (ROOT / "gateway" / "cli" / "exit_code.hpp").read_text())
    assert len(codes) == 8 and re.findall(r"^\\fB(\d+)\\fR$", page, re.M) == codes


def test_man_page_is_set_without_a_warning():
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-Kutf8", "-Tutf8", "-ww", PAGE], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "presigned uploads of pictures" in " ".join(done.stdout.split())
