"""Makes the sample photos of this folder, with tools that share no code of ours: Pillow 9.4 and, for
HEIC and AVIF, make_heif.c against libheif 1.15 (Debian packages python3-pil, libheif-dev and, for the profiles, libgs-common).

Run in this folder: python3 make.py && gcc make_heif.c -lheif -o make_heif && ./make_heif

Every picture is 48 x 32: red, green / blue, white quadrants (see README.md).
"""
from PIL import Image, ImageCms

W, H = 48, 32
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
ICC = "/usr/share/color/icc/ghostscript/"


def quadrants(colours, mode="RGB"):
    image = Image.new(mode, (W, H))
    for y in range(H):
        for x in range(W):
            image.putpixel((x, y), colours[(x >= W // 2) + 2 * (y >= H // 2)])
    return image


def main():
    photo = quadrants([RED, GREEN, BLUE, WHITE])
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        name = f"orientation_{orientation}"
        photo.save(name + ".jpg", quality=95, subsampling=0, exif=exif)
        photo.save(name + ".png", exif=exif)
        photo.save(name + ".webp", lossless=True, exif=exif)
        photo.save(name + ".tif", compression="tiff_lzw", tiffinfo={0x0112: orientation})

    photo.save("progressive.jpg", quality=95, subsampling=0, progressive=True)
    photo.convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save("palette.png")
    photo.convert("P", palette=Image.Palette.ADAPTIVE, colors=4).save("palette.tif")
    photo.save("plain.gif")
    photo.save("jpeg_inside.tif", compression="jpeg", quality=95)
    photo.save("deflate.tif", compression="tiff_adobe_deflate")

    # Grey levels 0, 80, 160, 255.
    grey = quadrants([0, 80, 160, 255], "L")
    grey.save("grey.jpg", quality=100)
    grey.save("grey.png")
    wide = Image.new("I;16", (W, H))
    for y in range(H):
        for x in range(W):
            wide.putpixel((x, y), grey.getpixel((x, y)) * 257)
    wide.save("grey_16_bit.png")
    wide.save("grey_16_bit.tif")
    quadrants([0, 255, 255, 0], "L").convert("1").save("one_bit.png")

    # Red at alpha 255, green at 128, blue at 0, black at 64: over white as README.md computes.
    clear = quadrants([RED + (255,), GREEN + (128,), BLUE + (0,), (0, 0, 0, 64)], "RGBA")
    clear.save("alpha.png")
    clear.save("alpha.webp", lossless=True, exact=True)
    clear.save("alpha.tif", compression="tiff_lzw")
    quadrants([(0, 255), (80, 128), (160, 0), (255, 64)], "LA").save("grey_alpha.png")
    hole = photo.convert("P", palette=Image.Palette.ADAPTIVE, colors=4)
    hole.save("hole.gif", transparency=hole.getpixel((0, 0)))  # the red quadrant is transparent

    # First frame as ever, later ones black.
    black = Image.new("RGB", (W, H))
    photo.save("animated.gif", save_all=True, append_images=[black, black], duration=100)
    photo.save("animated.webp", save_all=True, append_images=[black], duration=100, lossless=True)
    photo.save("pages.tif", save_all=True, append_images=[black], compression="tiff_lzw")

    # Colour profiles: colours inside of both gamuts; README.md has what LittleCMS makes of them.
    colours = [(200, 60, 60), (60, 180, 90), (70, 80, 200), (230, 230, 230)]
    adobe = quadrants(colours)
    adobe_icc = open(ICC + "a98.icc", "rb").read()
    adobe.save("adobe_rgb.png", icc_profile=adobe_icc)
    adobe.save("adobe_rgb.jpg", quality=100, subsampling=0, icc_profile=adobe_icc)
    inks = [(20, 200, 180, 10), (180, 30, 200, 10), (200, 180, 20, 10), (0, 0, 0, 0)]
    cmyk = quadrants(inks, "CMYK")
    cmyk.save("cmyk.jpg", quality=100, subsampling=0)
    cmyk.save("cmyk.tif", compression="tiff_lzw")
    for name, image, profile in [("adobe_rgb", adobe, "a98.icc"), ("cmyk (generic)", cmyk, "ps_cmyk.icc")]:
        srgb = ImageCms.profileToProfile(image, ICC + profile, ImageCms.createProfile("sRGB"),
                                         renderingIntent=ImageCms.Intent.PERCEPTUAL, outputMode="RGB")
        print(name, [srgb.getpixel(p) for p in [(12, 8), (36, 8), (12, 24), (36, 24)]])
    cmyk.save("cmyk_profile.jpg", quality=100, subsampling=0,
              icc_profile=open(ICC + "ps_cmyk.icc", "rb").read())


main()
