"""Files: folders page by page, previews that read little and run nothing, downloads."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from strongroom.core.manifest import Entry

from registry.web import previews
from registry.web.previews import looking, media, pages, reading
from tests import factories
from tests.web.sample import picture

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(as_user, sample):
    return as_user(sample.alice)


@pytest.fixture
def base(sample):
    return sample.dataset.get_absolute_url()


def preview(client, base, path):
    return client.get(f"{base}/files/{path}").context["preview"]


def test_the_tree_opens_the_folders_on_the_way(client, base):
    text = client.get(f"{base}/files/images/line4/l4_0001.png").content.decode()
    for shown in ("images/line1", "images/line4/l4_0002.png", "README.md"):
        assert f"{base}/files/{shown}" in text
    assert f"{base}/files/images/line1/l1_0000.png" not in text


def test_a_large_folder_pages_and_still_shows_what_is_open(client, sample):
    files = {f"many/{n:04}.txt": b"x" for n in range(250)} | {
        f"folders/{n:03}/a.txt": b"x" for n in range(150)
    }
    made = factories.log(sample.alice, sample.project, "large", files, type="dataset")
    base = made.get_absolute_url()
    text = client.get(f"{base}/files/many").content.decode()
    assert "0099.txt" in text
    assert "0100.txt" not in text
    more = client.get(f"{base}/tree/many?after=f:0099.txt", headers={"HX-Request": "true"}).content.decode()
    assert "0100.txt" in more
    assert "<html" not in more
    assert "0199.txt" in more
    assert "0200.txt" not in more
    assert f"{base}/files/folders/149/a.txt" in client.get(f"{base}/files/folders/149").content.decode()


def test_what_is_not_there_is_not_found(client, base):
    assert client.get(f"{base}/files/nothing.txt").status_code == 404
    assert client.get(f"{base}/download/nothing.txt").status_code == 404
    missing = client.get(f"{base}/find?path=nothing.txt")
    assert missing.status_code == 200
    assert "No file has that in its path" in missing.content.decode()
    assert f"{base}/zip" in missing.content.decode()


def test_a_file_is_found_by_a_part_of_its_path_in_whatever_case(client, base):
    found = client.get(f"{base}/find?path=L4_")
    assert [file.path for file in found.context["hits"].entries] == [
        f"images/line4/l4_{n:04}.png" for n in range(3)
    ]
    assert f"{base}/files/images/line4/l4_0002.png#preview" in found.content.decode()
    both = client.get(f"{base}/find?path=LINE1 0002")
    assert both["Location"] == f"{base}/files/images/line1/l1_0002.png"


@pytest.mark.parametrize(
    ("typed", "opened"),
    [
        ("README.md", "README.md"), ("readme", "README.md"), ("images/line1", "images/line1"),
        ("/images/", "images"), ("", ""), ("images", "images"),
    ],
)  # fmt: skip
def test_an_exact_path_or_the_only_one_is_opened_at_once(client, base, typed, opened):
    answer = client.get(f"{base}/find", {"path": typed})
    assert answer["Location"] == (f"{base}/files/{opened}" if opened else f"{base}/files")


def test_many_files_are_found_a_page_at_a_time(client, sample, monkeypatch):
    made = factories.log(
        sample.alice, sample.project, "hits", {f"a/{n:03}.txt": b"x" for n in range(150)}, type="dataset"
    )
    base, paths, address = made.get_absolute_url(), [], "path=TXT"
    for _ in range(2):
        page = client.get(f"{base}/find?{address}")
        paths += [file.path for file in page.context["hits"].entries]
        address = f"path=TXT&after={page.context['hits'].next}"
    assert paths == [f"a/{n:03}.txt" for n in range(150)]
    assert page.context["hits"].next is None


def test_typing_is_completed_by_paths(client, base):
    offered = client.get(f"{base}/complete-files?q=l4_", headers={"HX-Request": "true"}).content.decode()
    assert offered.count('role="option"') == 3
    assert f'data-href="{base}/files/images/line4/l4_0001.png#preview"' in offered
    assert "<html" not in offered
    assert 'role="option"' not in client.get(f"{base}/complete-files?q=").content.decode()


def test_everything_can_be_downloaded_while_a_file_is_open(client, base):
    page = client.get(f"{base}/files/images/line4/l4_0001.png").content.decode()
    assert f'href="{base}/zip"' in page
    assert f'href="{base}/zip/images/line4"' in page


def test_scripts_of_documents_are_loaded_for_documents_only(client, sample, base):
    page = client.get(f"{base}/files/labels.csv").content.decode()
    assert "parquet-view.js" not in page
    assert "pdf-view.js" not in page
    files = {"a.pdf": b"%PDF-1.7\n", "a.parquet": b"PAR1" + b"x" * 40}
    made = factories.log(sample.alice, sample.project, "documents", files, type="dataset").get_absolute_url()
    swapped = client.get(f"{made}/files/a.pdf", headers={"HX-Request": "true"}).content.decode()
    assert "js/pdf-view.js" in swapped
    assert "js/parquet-view.js" in client.get(f"{made}/files/a.parquet").content.decode()


README = b"""# Shown

![logo](s/logo.png) ![same](./s/../s/logo.png "titled") ![top](/docs/s/logo.png)
![text](notes.txt) ![none](nothing.png) ![out](../../x.png) ![far](https://elsewhere.example/a.png)
![sly](s/a%22%20onerror=alert(1).png) [a link](s/logo.png)
"""


def test_pictures_of_the_version_are_shown_in_its_markdown(client, sample):
    files = {
        "docs/README.md": README, "docs/s/logo.png": picture(9), "docs/notes.txt": b"no picture",
        'docs/s/a" onerror=alert(1).png': picture(8),
    }  # fmt: skip
    base = factories.log(sample.alice, sample.project, "pictured", files, type="dataset").get_absolute_url()
    html = preview(client, base, "docs/README.md").html
    assert html.count(f'<img class="md-image" src="{base}/media/docs/s/logo.png"') == 3
    assert html.count("<img") == 4
    assert 'media/docs/s/a%22%20onerror%3Dalert%281%29.png"' in html
    for left in ("notes.txt", "nothing.png", "../../x.png", "https://elsewhere.example/a.png"):
        assert f'href="{left}"' in html
    assert ">a link</a>" in html


def test_pictures_of_markdown_are_looked_up_only_so_often(client, sample, django_assert_max_num_queries):
    text = "".join(f"![x](p{n}.png)\n" for n in range(600)).encode()
    base = factories.log(
        sample.alice, sample.project, "pictures", {"README.md": text}, type="dataset"
    ).get_absolute_url()
    client.get(f"{base}/files/README.md")
    with django_assert_max_num_queries(60):
        assert "<img" not in preview(client, base, "README.md").html


@pytest.mark.parametrize(
    "path", ["../etc/passwd", "images/../../x", "/etc/passwd", "images//line1", "C:/x", "a/./b"]
)
def test_paths_that_climb_are_refused(client, base, path):
    assert client.get(f"{base}/files/{path}").status_code in (400, 404)
    assert client.get(f"{base}/download/{path}").status_code in (400, 404)


def test_text_markdown_and_json_are_shown(client, base):
    assert preview(client, base, "labels.csv").kind == "table"
    assert preview(client, base, "labels.csv?source").text.startswith("path,label")
    assert "<h2>Labelled crops</h2>" in preview(client, base, "README.md").html
    assert preview(client, base, "classes.json").data == {"classes": ["crazing", "patches"]}
    assert '"crazing",' in preview(client, base, "classes.json?source").text
    assert preview(client, base, "weights.bin").kind == "bytes"


def test_json_with_half_a_character_is_shown_as_it_was_written(client, sample):
    made = factories.log(sample.alice, sample.project, "half", {"a.json": b'{"a":"\\ud800"}'}, type="dataset")
    assert preview(client, made.get_absolute_url(), "a.json").text == '{"a":"\\ud800"}'


def test_a_picture_is_one_by_its_bytes_not_by_its_name(client, base):
    shown = client.get(f"{base}/media/images/line1/l1_0000.png")
    assert shown["Content-Type"] == "image/png"
    assert shown["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert shown["X-Content-Type-Options"] == "nosniff"
    assert b"".join(shown.streaming_content) == picture(80)
    assert client.get(f"{base}/media/pretends.png").status_code == 404
    text = client.get(f"{base}/files/pretends.png").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text


def test_a_download_is_an_attachment_in_a_sandbox(client, base):
    answer = client.get(f"{base}/download/pretends.png")
    assert answer["Content-Disposition"].startswith("attachment;")
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert b"".join(answer.streaming_content) == b"<script>alert(1)</script>"


def test_of_a_large_text_only_the_beginning_is_read(client, sample, monkeypatch):
    files = {"long.txt": "zeile ü\n".encode() * 100_000}
    made = factories.log(sample.alice, sample.project, "long", files, type="dataset")
    read = []
    real = reading.read
    watched = lambda blob, start, length: read.append(length) or real(blob, start, length)  # noqa: E731
    for module in (looking, media, pages):
        monkeypatch.setattr(module, "read", watched)
    shown = preview(client, made.get_absolute_url(), "long.txt")
    assert sum(read) <= 2 * previews.TEXT_LIMIT + 1024
    assert shown.said == "Only the first 256 kB were read."
    assert shown.text.startswith("zeile ü\n")


def test_an_empty_file_and_a_version_without_files_say_so(client, sample):
    made = factories.log(sample.alice, sample.project, "hollow", {"empty.txt": b""}, type="dataset")
    assert preview(client, made.get_absolute_url(), "empty.txt").said == "This file is empty."


def test_a_cut_character_is_dropped_and_older_encodings_are_text():
    assert previews.as_text("aü".encode()[:2], whole=False) == "a"
    assert previews.as_text("aü".encode()[:2], whole=True) == "aÃ"
    assert previews.as_text(b"caf\xe9 \x80 5\n", whole=False) == "café € 5\n"
    for data in (b"a\0b", b"a\xe9\x01", b"\x81a"):
        assert previews.as_text(data, whole=True) is None


def test_references_show_where_their_bytes_are(client, sample):
    made = factories.log(
        sample.alice,
        sample.project,
        "refs",
        {},
        type="dataset",
        references={"far.bin": "s3://bucket/far.bin"},
    )
    answer = client.get(f"{made.get_absolute_url()}/files/far.bin").content.decode()
    assert "s3://bucket/far.bin" in answer
    # Nothing but its address was recorded.
    assert "Not watched" in answer
    assert "/download/" not in answer


def test_an_entry_with_both_a_reference_and_bytes_shows_both(sample, client):
    entry = Entry("a.txt", None, 3, sha256="0" * 64, ref="s3://bucket/a.txt")
    context = {
        "entry": entry,
        "membership": sample.dataset,
        "preview": previews.Preview("text", "", text="abc"),
    }
    page = render_to_string("files/_preview.html", context)
    assert "s3://bucket/a.txt" in page
    assert "abc" in page


def test_an_organization_viewer_may_look_at_an_open_project(as_user, sample):
    sample.project.visibility = "organization"
    sample.project.save(update_fields=["visibility"])
    answer = as_user(sample.people.olga).get(f"{sample.dataset.get_absolute_url()}/files/README.md")
    assert answer.status_code == 200


def test_a_row_that_is_longer_than_the_head_is_shown_whole(client, sample):
    made = factories.log(
        sample.alice, sample.project, "ragged", {"x.csv": b"a,b\n1,2,3\n4,5,\n6\n"}, type="dataset"
    )
    for query in ("", "?sort=1", "?sort=2", "?row=4"):
        answer = client.get(f"{made.get_absolute_url()}/files/x.csv{query}")
        assert answer.status_code == 200
    assert '<td class="num">3</td>' in client.get(f"{made.get_absolute_url()}/files/x.csv").content.decode()


def test_a_file_below_a_hundred_folders_is_shown_with_the_last_of_them(client, sample):
    path = "/".join(f"d{n}" for n in range(100))
    made = factories.log(
        sample.alice, sample.project, "deep", {f"{path}/f.txt": b"deep down"}, type="dataset"
    )
    for place in (f"{path}/f.txt", path):
        answer = client.get(f"{made.get_absolute_url()}/files/{place}")
        assert answer.status_code == 200
        page = answer.content.decode()
        assert "To the top; this tree begins 76 folders below it" in page
        assert "f.txt" in page
