"""Small pictures for the README: a screenshot in 256 of its colours; a page of text does not miss the others."""

import base64
import struct
import zlib

from playwright.sync_api import Page

# Runs in the browser, which can read the screenshot; gives the palette and each pixel's place in it.
REDUCE = """async (png) => {
    const image = await createImageBitmap(new Blob([Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0))]));
    const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
    canvas.drawImage(image, 0, 0);
    const bytes = canvas.getImageData(0, 0, image.width, image.height).data;
    const pixels = [];
    for (let at = 0; at < bytes.length; at += 4) pixels.push(bytes[at] << 16 | bytes[at + 1] << 8 | bytes[at + 2]);
    const counts = new Map();
    for (const colour of pixels) counts.set(colour, (counts.get(colour) ?? 0) + 1);
    const part = (colour, bit) => colour >> bit & 255;
    const apart = (one, other) => [16, 8, 0].reduce((sum, bit) => sum + (part(one, bit) - part(other, bit)) ** 2, 0);
    const palette = [];
    for (const [colour] of [...counts].sort((one, other) => other[1] - one[1])) {
        if (palette.length < 256 && palette.every((other) => apart(colour, other) > 60)) palette.push(colour);
    }
    const nearest = new Map();
    for (const colour of counts.keys()) {
        const distances = palette.map((other) => apart(colour, other));
        nearest.set(colour, String.fromCharCode(distances.indexOf(Math.min(...distances))));
    }
    const places = pixels.map((colour) => nearest.get(colour)).join("");
    return { width: image.width, height: image.height, palette, places: btoa(places) };
}"""


def small_png(screenshot: bytes, page: Page) -> bytes:
    """Write a screenshot again as a PNG with a palette. `page` does the counting, and shows nothing of it."""
    image = page.evaluate(REDUCE, base64.b64encode(screenshot).decode())
    width, height, places = image["width"], image["height"], base64.b64decode(image["places"])
    rows = b"".join(b"\0" + places[at : at + width] for at in range(0, len(places), width))
    eight_bits, with_palette = 8, 3
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, eight_bits, with_palette, 0, 0, 0)),
        (b"PLTE", b"".join(colour.to_bytes(3, "big") for colour in image["palette"])),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
