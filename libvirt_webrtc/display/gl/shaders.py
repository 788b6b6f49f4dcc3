"""Sources of the fragment shaders: one copies a DMA-BUF into a texture of ours, others draw that as planes.

Planes are drawn into RGBA textures, because every driver can read those back; each texel holds four neighbouring values
of one plane. Colours are computed with integers, by the formulas of the libraries that convert pictures in main memory
(libyuv, libjpeg-turbo), so that a picture looks the same either way.
"""

from libvirt_webrtc.picture.surface import PlaneLayout

COPY = """#version 300 es
#extension GL_OES_EGL_image_external_essl3 : require
precision highp float;
precision highp int;
uniform highp samplerExternalOES source;
uniform ivec2 origin;  // of the part that is shown
uniform int flipped;  // its height where it is bottom up, else 0
out vec4 colour;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    if (flipped > 0) at.y = flipped - 1 - at.y;
    colour = vec4(texelFetch(source, origin + at, 0).rgb, 1.0);
}
"""

_PIXEL = """#version 300 es
precision highp float;
precision highp int;
uniform highp sampler2D picture;
uniform ivec2 last;  // the picture's last column and row; what is beyond repeats them
ivec3 guest(ivec2 at) {
    return ivec3(texelFetch(picture, min(at, last), 0).rgb * 255.0 + 0.5);
}
"""

# libyuv's rounded mean of four: of two rows, then of two columns.
_MEAN = """
ivec3 mean(ivec3 a, ivec3 right, ivec3 below, ivec3 across) {
    return (((a + below + 1) >> 1) + ((right + across + 1) >> 1) + 1) >> 1;
}
"""

_WHOLE_SIZE = "ivec3 pixel(ivec2 at) { return guest(at); }\n"

_HALF = """
ivec3 halved(ivec2 at) {
    at *= 2;
    return mean(guest(at), guest(at + ivec2(1, 0)), guest(at + ivec2(0, 1)), guest(at + 1));
}
"""

_HALF_SIZE = _HALF + "ivec3 pixel(ivec2 at) { return halved(at); }\n"

_QUARTER_SIZE = (
    _HALF
    + """
ivec3 pixel(ivec2 at) {
    at *= 2;
    return mean(halved(at), halved(at + ivec2(1, 0)), halved(at + ivec2(0, 1)), halved(at + 1));
}
"""
)

_SIZES = {1: _WHOLE_SIZE, 2: _HALF_SIZE, 4: _QUARTER_SIZE}

# libyuv's ARGBToI420 as its vector code has it: chroma is rounded down.
_LIMITED_RANGE = """
int luma(ivec3 c) { return (66 * c.r + 129 * c.g + 25 * c.b + 0x1080) >> 8; }
int blue(ivec3 c) { return (112 * c.b - 74 * c.g - 38 * c.r + 0x8000) >> 8; }
int red(ivec3 c) { return (112 * c.r - 94 * c.g - 18 * c.b + 0x8000) >> 8; }
"""

# libjpeg's, in parts of 65536; its chroma is rounded down where it lies halfway.
_FULL_RANGE = """
int luma(ivec3 c) { return (19595 * c.r + 38470 * c.g + 7471 * c.b + 32768) >> 16; }
int blue(ivec3 c) { return (-11059 * c.r - 21709 * c.g + 32768 * c.b + 8421375) >> 16; }
int red(ivec3 c) { return (32768 * c.r - 27439 * c.g - 5329 * c.b + 8421375) >> 16; }
"""

_LUMA = """
layout(location = 0) out vec4 y;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy) * ivec2(4, 1);
    ivec4 values;
    for (int i = 0; i < 4; ++i) values[i] = luma(pixel(at + ivec2(i, 0)));
    y = vec4(values) / 255.0;
}
"""

_ALL_PLANES = """
layout(location = 0) out vec4 y;
layout(location = 1) out vec4 u;
layout(location = 2) out vec4 v;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy) * ivec2(4, 1);
    ivec4 luma_values, blue_values, red_values;
    for (int i = 0; i < 4; ++i) {
        ivec3 colour = pixel(at + ivec2(i, 0));
        luma_values[i] = luma(colour);
        blue_values[i] = blue(colour);
        red_values[i] = red(colour);
    }
    y = vec4(luma_values) / 255.0;
    u = vec4(blue_values) / 255.0;
    v = vec4(red_values) / 255.0;
}
"""

_QUARTER_CHROMA = """
layout(location = 0) out vec4 u;
layout(location = 1) out vec4 v;
void main() {
    ivec2 at = ivec2(gl_FragCoord.xy) * ivec2(8, 2);
    ivec4 blue_values, red_values;
    for (int i = 0; i < 4; ++i) {
        ivec2 here = at + ivec2(2 * i, 0);
        ivec3 colour = mean(pixel(here), pixel(here + ivec2(1, 0)), pixel(here + ivec2(0, 1)), pixel(here + 1));
        blue_values[i] = blue(colour);
        red_values[i] = red(colour);
    }
    u = vec4(blue_values) / 255.0;
    v = vec4(red_values) / 255.0;
}
"""


def fragments(layout: PlaneLayout) -> tuple[str, ...]:
    """The shaders of a layout: one for all planes in 4:4:4; one for luma and one for both chroma planes in 4:2:0."""
    colours = _PIXEL + _MEAN + _SIZES[layout.scale]
    colours += _FULL_RANGE if layout.full_range else _LIMITED_RANGE
    if layout.full_chroma:
        return (colours + _ALL_PLANES,)
    return colours + _LUMA, colours + _QUARTER_CHROMA
