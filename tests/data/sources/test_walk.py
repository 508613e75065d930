from roadwork.data.sources.walk import files_below, is_image_name


def touch(*files):
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def test_files_are_sorted_and_hidden_ones_left_out(tmp_path):
    names = [
        "b.jpg",
        "a/z.jpg",
        "a/b/c.txt",
        ".hidden.jpg",
        ".git/x.jpg",
        "a/Thumbs.db",
        "a/.DS_Store",
        "c/desktop.ini",
    ]
    touch(*(tmp_path / name for name in names))
    assert [file.relative_to(tmp_path).as_posix() for file in files_below(tmp_path)] == [
        "a/b/c.txt",
        "a/z.jpg",
        "b.jpg",
    ]


def test_links_are_followed_but_never_in_circles(tmp_path):
    touch(tmp_path / "other" / "x.jpg", tmp_path / "root" / "a.jpg")
    (tmp_path / "root" / "link").symlink_to(tmp_path / "other")
    (tmp_path / "root" / "self").symlink_to(tmp_path / "root")
    assert [file.name for file in files_below(tmp_path / "root")] == ["a.jpg", "x.jpg"]


def test_image_names(tmp_path):
    assert all(is_image_name(tmp_path / name) for name in ("a.jpg", "a.JPG", "a.JpEg", "b.png", "c.tiff", "d.HEIC"))
    assert not any(is_image_name(tmp_path / name) for name in ("a.txt", "jpg", "b.csv"))
