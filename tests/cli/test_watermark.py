"""``media-processor watermark``: one picture, and whole trees of them."""

import os
from importlib import import_module
from pathlib import Path

import pytest

from media_processor.harness.ports import free_port
from media_processor.images import splice
from media_processor.images.logo import bundled_logo_path
from tests.cli.shell import Terminal, one_line, run
from tests.images.pictures import encoded, heic, opened, photo

JPEG = encoded(photo((300, 200)), "JPEG")
PNG = encoded(photo((60, 40)), "PNG")
LOGO = {"GOOGLE_LOGO": str(bundled_logo_path())}
WAY = "splice" if splice.is_installed() else "decode (no native core)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "in" / "deep" / "er"
    below.mkdir(parents=True)
    (tmp_path / "in" / "a.jpg").write_bytes(JPEG)
    (tmp_path / "in" / "watermarked_old.jpg").write_bytes(JPEG)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (below / "b.png").write_bytes(PNG)
    return tmp_path


def tree(folder: Path) -> list[str]:
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return sorted(str(path) for path in files if not path.name.startswith("."))


class TestOne:
    def test_it_is_watermarked_and_the_source_stays(self, folder: Path) -> None:
        done = run("watermark", "in/a.jpg", "out.jpg", cwd=folder, **LOGO)
        assert (done.returncode, done.stdout) == (0, f"out.jpg: {WAY}\n"), done.stderr
        assert opened(folder / "out.jpg").size == (300, 200)
        assert (folder / "out.jpg").read_bytes() != JPEG == (folder / "in/a.jpg").read_bytes()

    def test_what_could_not_be_kept_is_named(self, folder: Path) -> None:
        (folder / "in/a.jpg").write_bytes(JPEG + b"behind it")
        done = run("watermark", "in/a.jpg", "out.jpg", cwd=folder, **LOGO)
        assert done.stdout == f"out.jpg: {WAY}\n  data behind the picture was dropped\n"

    def test_out_is_overwritten_only_by_force(self, folder: Path) -> None:
        out = folder / "out.jpg"
        out.write_bytes(b"dear to me")
        one_line(run("watermark", "in/a.jpg", "out.jpg", cwd=folder, **LOGO), "--force")
        assert out.read_bytes() == b"dear to me"
        forced = run("watermark", "in/a.jpg", "out.jpg", "--force", cwd=folder, **LOGO)
        assert forced.returncode == 0
        assert opened(out).size == (300, 200)

    @pytest.mark.parametrize("out", ["in/a.jpg", "in/../in/a.jpg", "link.jpg"])
    def test_never_over_itself(self, folder: Path, out: str) -> None:
        (folder / "link.jpg").symlink_to("in/a.jpg")
        done = run("watermark", "in/a.jpg", out, "--force", cwd=folder, **LOGO)
        one_line(done, "are the same file")
        assert (folder / "in/a.jpg").read_bytes() == JPEG

    def test_a_name_that_promises_another_format_is_refused(self, folder: Path) -> None:
        (folder / "webp.toml").write_text('[web]\nformat = "webp"\nskip_below = 100\n')
        more = {**LOGO, "WATERMARKS": str(folder / "webp.toml")}
        done = run("watermark", "in/a.jpg", "out.png", cwd=folder, **LOGO)
        one_line(done, "out.png: the result will be image/jpeg, so its name must end in .jpg")
        for out, words in (("out.jpg", ".webp"), ("small.webp", "image/png")):
            source = "in/a.jpg" if out == "out.jpg" else "in/deep/er/b.png"
            done = run("watermark", source, out, "--profile", "web", cwd=folder, **more)
            one_line(done, words)
        done = run("watermark", "in/a.jpg", "out.JPEG", cwd=folder, **LOGO)
        assert done.returncode == 0, done.stderr

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["in/a.jpg"], "IN and OUT"),
            (["nothing.jpg", "out.jpg"], "isn't a file"),
            (["in", "out.jpg"], "--output FOLDER"),
            (["in/a.jpg", "out.jpg", "--profile", "gold"], "default"),
            (["in/a.jpg", "in/a.jpg", "-o", "out"], "same name"),
            (["in/a.jpg", "missing/out.jpg"], "missing doesn't exist"),
            (["in/watermarked_old.jpg", "out.jpg"], "watermarked already"),
            (["in/a.jpg", "-o", "in/notes.txt"], "in/notes.txt is a file"),
            (["nothing", "-o", "out"], "nothing doesn't exist"),
            ([".", "-o", "."], ". holds the pictures themselves"),
        ],
    )
    def test_a_mistake_is_one_line_and_nothing_is_made(
        self, folder: Path, arguments: list[str], words: str
    ) -> None:
        before = tree(folder)
        done = run("watermark", *arguments, cwd=folder, **LOGO)
        one_line(done, words, 2 if words == "IN and OUT" else 1)
        assert tree(folder) == before

    def test_a_chosen_logo_that_can_not_be_had_is_never_replaced(self, folder: Path) -> None:
        done = run("watermark", "in/a.jpg", "out.jpg", cwd=folder, GOOGLE_LOGO="no-logo.png")
        one_line(done, "logo")
        assert not (folder / "out.jpg").exists()

    def test_without_a_chosen_logo_and_network_the_own_one_is_used(self, folder: Path) -> None:
        closed = f"http://127.0.0.1:{free_port()}"
        proxies = {"http_proxy": closed, "https_proxy": closed}
        done = run("watermark", "in/a.jpg", "out.jpg", cwd=folder, **proxies)
        assert done.returncode == 0
        assert "the bundled logo is used" in done.stderr.lower()
        assert (folder / "out.jpg").exists()


class TestMany:
    def test_the_tree_is_kept_and_what_is_watermarked_is_skipped(self, folder: Path) -> None:
        done = run("watermark", "in", "-o", "out", "-j", "2", cwd=folder, **LOGO)
        assert done.returncode == 0, done.stderr
        made = ["deep/er/watermarked_b.png", "watermarked_a.jpg"]
        assert tree(folder / "out") == made
        *lines, summary = done.stdout.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            "out/watermarked_a.jpg",
            "out/deep/er/watermarked_b.png",
        ]
        assert summary.startswith("2 watermarked, 1 skipped, 0 failed")

        times = {path: (folder / "out" / path).stat().st_mtime_ns for path in made}
        os.utime(folder / "in/a.jpg", ns=(0, times["watermarked_a.jpg"] + 1))
        again = run("watermark", "in", "-o", "out", cwd=folder, **LOGO)
        assert again.stdout.splitlines()[0] == f"out/watermarked_a.jpg: {WAY}"
        assert again.stdout.splitlines()[1].startswith("1 watermarked, 2 skipped, 0 failed")

        forced = run("watermark", "in", "-o", "out", "--force", cwd=folder, **LOGO)
        assert forced.stdout.splitlines()[-1].startswith("3 watermarked, 0 skipped, 0 failed")
        assert "watermarked_watermarked_old.jpg" in tree(folder / "out")

    def test_what_another_logo_made_is_listed_and_made_again_by_force(self, folder: Path) -> None:
        logo = folder / "logo.png"
        logo.write_bytes(encoded(photo((30, 20)), "PNG"))
        own = {"GOOGLE_LOGO": str(logo)}
        assert run("watermark", "in", "-o", "out", cwd=folder, **LOGO).returncode == 0
        (folder / "in/c.jpg").write_bytes(JPEG)

        for arguments in (("--dry-run",), ()):
            done = run("watermark", "in", "-o", "out", *arguments, cwd=folder, **own)
            assert "watermarked with another logo or profile" in done.stdout + done.stderr
            assert done.returncode == 1
        assert "out/watermarked_a.jpg" in done.stderr
        assert done.stdout.splitlines()[-1].startswith(
            "1 watermarked, 1 skipped, 2 outdated, 0 failed"
        )

        made = (folder / "out/watermarked_a.jpg").read_bytes()
        forced = run("watermark", "in", "-o", "out", "--force", cwd=folder, **own)
        assert forced.returncode == 0
        assert (folder / "out/watermarked_a.jpg").read_bytes() != made
        again = run("watermark", "in", "-o", "out", cwd=folder, **own)
        assert again.returncode == 0, again.stderr

    def test_another_font_in_the_same_file_is_another_making(self, folder: Path) -> None:
        fonts = [
            import_module(f"pymupdf_fonts.{name}").fontbuffer
            for name in ("Ubuntu_Regular", "FiraGO_Regular")
        ]
        (folder / "marks.toml").write_text('[signed]\ntext = "ours"\nfont = "font.ttf"\n')
        arguments = ("watermark", "in/a.jpg", "-o", "out", "--profile", "signed")
        for font, status in zip(fonts, (0, 1), strict=True):
            (folder / "font.ttf").write_bytes(font)
            done = run(*arguments, cwd=folder, WATERMARKS=str(folder / "marks.toml"), **LOGO)
            assert done.returncode == status, done.stderr

    def test_a_heic_and_the_jpeg_beside_it_get_two_names(self, folder: Path) -> None:
        (folder / "in/A.heic").write_bytes(heic())
        (folder / "in/A.jpg").write_bytes(JPEG)
        done = run("watermark", "in/A.heic", "in/A.jpg", "-o", "out", cwd=folder, **LOGO)
        assert done.returncode == 0, done.stderr
        assert tree(folder / "out") == ["watermarked_A.heic.jpg", "watermarked_A.jpg"]
        again = run("watermark", "in/A.heic", "in/A.jpg", "-o", "out", cwd=folder, **LOGO)
        assert again.stdout.startswith("0 watermarked, 2 skipped")

    def test_a_heic_too_small_for_a_logo_keeps_its_extension(self, folder: Path) -> None:
        (folder / "in/tiny.heic").write_bytes(heic(photo((12, 12))))
        done = run("watermark", "in/tiny.heic", "-o", "out", cwd=folder, **LOGO)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("out/watermarked_tiny.heic: skip")
        assert tree(folder / "out") == ["watermarked_tiny.heic"]

    def test_a_result_of_unknown_making_counts_as_up_to_date(self, folder: Path) -> None:
        (folder / "out").mkdir()
        (folder / "out/watermarked_a.jpg").write_bytes(JPEG)
        (folder / "out/.watermarked.jsonl").write_text('["watermarked_a.jpg", "to\n{]\n[1]\n')
        done = run("watermark", "in/a.jpg", "-o", "out", cwd=folder, **LOGO)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("0 watermarked, 1 skipped")

    def test_a_folder_inside_its_own_source(self, folder: Path) -> None:
        for summary in ("2 watermarked, 1 skipped", "0 watermarked, 3 skipped"):
            done = run("watermark", "in", "-o", "in/watermarked", cwd=folder, **LOGO)
            assert done.stdout.splitlines()[-1].startswith(summary), done.stderr
        assert tree(folder / "in" / "watermarked") == [
            "deep/er/watermarked_b.png",
            "watermarked_a.jpg",
        ]

    def test_a_dry_run_tells_and_makes_nothing(self, folder: Path) -> None:
        done = run("watermark", "in", "-o", "out", "--dry-run", cwd=folder, GOOGLE_LOGO="none.png")
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines() == [
            "in/a.jpg: would be written to out/watermarked_a.jpg",
            "in/deep/er/b.png: would be written to out/deep/er/watermarked_b.png",
            "in/watermarked_old.jpg: would be skipped: its name begins with watermarked_",
            "would watermark 2, skip 1",
        ]
        assert not (folder / "out").exists()

    def test_a_bad_one_is_told_and_the_rest_is_done(self, folder: Path) -> None:
        files = ["in/notes.txt", "in/a.jpg", "-o", "out"]
        done = run("watermark", *files, cwd=folder, **LOGO)
        assert done.returncode == 1
        (line,) = [line for line in done.stderr.splitlines() if "native core" not in line]
        assert "in/notes.txt" in line
        assert tree(folder / "out") == ["watermarked_a.jpg"]
        assert done.stdout.splitlines()[-1].startswith("1 watermarked, 0 skipped, 1 failed")

    def test_what_becomes_another_format_has_its_extension(self, folder: Path) -> None:
        """``a.png`` becomes a JPEG too: beside that of ``a.jpg``."""
        (folder / "in" / "a.png").write_bytes(PNG)
        (folder / "jpeg.toml").write_text('[small]\nformat = "jpeg"\n')
        more = {**LOGO, "WATERMARKS": str(folder / "jpeg.toml")}
        for words in ("3 watermarked", "0 watermarked, 4 skipped"):
            done = run("watermark", "in", "-o", "out", "--profile", "small", cwd=folder, **more)
            assert words in done.stdout, done.stderr
        assert tree(folder / "out") == [
            "deep/er/watermarked_b.jpg",
            "watermarked_a.jpg",
            "watermarked_a.png.jpg",
        ]
        assert opened(folder / "out" / "watermarked_a.png.jpg").format == "JPEG"

    def test_a_pattern_that_no_shell_expanded(self, folder: Path) -> None:
        done = run("watermark", "in/**/*.png", "-o", "out", cwd=folder, **LOGO)
        assert tree(folder / "out") == ["watermarked_b.png"], done.stderr


class TestOwnResults:
    """A result that comes again under another name is watermarked again, but says so."""

    NOTE = "the picture is watermarked already: it came from here as %s, with the profile default"

    def test_one_from_a_folder_of_results(self, folder: Path) -> None:
        assert run("watermark", "in", "-o", "out", cwd=folder, **LOGO).returncode == 0
        (folder / "out/deep/er/watermarked_b.png").rename(folder / "out/deep/er/holiday.png")
        (folder / "out/watermarked_a.jpg").rename(folder / "in/holiday.jpg")
        again = run("watermark", "out/deep/er/holiday.png", "new.png", cwd=folder, **LOGO)
        assert self.NOTE % "watermarked_b.png" in again.stdout
        again = run("watermark", "in", "-o", "out", cwd=folder, **LOGO)
        assert again.stdout.count(self.NOTE % "watermarked_a.jpg") == 1

    def test_one_that_was_made_alone(self, folder: Path) -> None:
        first = run("watermark", "in/a.jpg", "b.jpg", cwd=folder, **LOGO)
        (folder / "b.jpg").rename(folder / "c.jpg")
        again = run("watermark", "c.jpg", "d.jpg", cwd=folder, **LOGO)
        assert "already" not in first.stdout
        assert self.NOTE % "b.jpg" in again.stdout


class TestInATerminal:
    def test_the_list_goes_where_it_is_sent_and_the_bar_to_the_terminal(self, folder: Path) -> None:
        with Terminal(
            "watermark", "in", "-o", "out", cwd=folder, stdout=folder / "list", **LOGO
        ) as shown:
            assert shown.end() == 0
            assert "watermarking" in shown.text
            assert shown.colours
        assert (folder / "list").read_text().startswith(f"out/watermarked_a.jpg: {WAY}\n")

    def test_ctrl_c_leaves_no_half_picture(self, folder: Path) -> None:
        for number in range(40):
            (folder / "in" / f"{number:02}.jpg").write_bytes(JPEG)
        arguments = ("watermark", "in", "-o", "out", "-j", "1")
        with Terminal(*arguments, cwd=folder, GOOGLE_LOGO=LOGO["GOOGLE_LOGO"]) as shown:
            shown.says("out/watermarked_00.jpg")
            shown.press("\x03")
            assert shown.end() == 130
            assert " watermarked, " in shown.text
        for name in tree(folder / "out"):
            assert Path(name).name.startswith("watermarked_")
            opened(folder / "out" / name).load()
