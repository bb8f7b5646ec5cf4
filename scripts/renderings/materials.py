"""Materials: board, glass, metal, plastic, card, printed paper. Built as node trees of Blender's Cycles."""

from typing import Any

import bpy

Colour = tuple[float, float, float]


class Material:
    """A material around one principled shader, with helpers that add textures to it."""

    def __init__(self, name: str, colour: Colour = (0.8, 0.8, 0.8), **inputs: float) -> None:
        self.data = bpy.data.materials.new(name)
        self.data.use_nodes = True
        self.nodes, self.links = self.data.node_tree.nodes, self.data.node_tree.links
        self.shader = self.nodes["Principled BSDF"]
        self.shader.inputs["Base Color"].default_value = (*colour, 1)
        for key, value in inputs.items():
            self.shader.inputs[key.replace("_", " ").title().replace("Ior", "IOR")].default_value = value

    def node(self, kind: str, **inputs: Any) -> Any:
        """Add a node of `ShaderNode<kind>` and set its inputs; a socket is linked, a value is set."""
        added = self.nodes.new(f"ShaderNode{kind}")
        for key, value in inputs.items():
            self.set(added.inputs[key.replace("_", " ")], value)
        return added

    def set(self, socket: Any, value: Any) -> None:
        """Set a socket to a value, or link it to another node's output."""
        if isinstance(value, bpy.types.NodeSocket):
            self.links.new(value, socket)
        else:
            socket.default_value = value

    def noise(self, scale: float, detail: float = 4.0, stretch: tuple[float, float, float] = (1, 1, 1)) -> Any:
        """Return the output 0 to 1 of a noise in the thing's own coordinates, of `scale` waves in a centimetre."""
        mapping = self.node("Mapping", Vector=self.node("TexCoord").outputs["Object"], Scale=stretch)
        return self.node("TexNoise", Vector=mapping.outputs[0], Scale=scale, Detail=detail).outputs[0]

    def facets(self, scale: float) -> Any:
        """Return the output 0 to 1 of facets with sharp creases between them, of `scale` facets in a centimetre."""
        cells = self.node("TexVoronoi", Vector=self.node("TexCoord").outputs["Object"], Scale=scale)
        cells.feature = "DISTANCE_TO_EDGE"
        return cells.outputs["Distance"]

    def between(self, amount: Any, low: float, high: float) -> Any:
        """Return the output of a ramp from `low` to `high` while `amount` goes from 0.3 to 0.7."""
        ramp = self.node("MapRange", Value=amount, From_Min=0.3, From_Max=0.7, To_Min=low, To_Max=high)
        return ramp.outputs[0]

    def colours(self, amount: Any, low: Colour, high: Colour) -> Any:
        """Return the output of a ramp of colours while `amount` goes from 0.3 to 0.7."""
        ramp = self.node("ValToRGB", Fac=amount)
        for element, position, colour in zip(ramp.color_ramp.elements, (0.3, 0.7), (low, high), strict=True):
            element.position, element.color = position, (*colour, 1)
        return ramp.outputs[0]

    def bump(self, height: Any, depth: float) -> None:
        """Bend the normals as a relief `depth` centimetres deep would; reliefs add up."""
        socket = self.shader.inputs["Normal"]
        below = socket.links[0].from_socket if socket.links else None
        added = self.node("Bump", Height=height, Distance=depth)
        if below is not None:
            self.links.new(below, added.inputs["Normal"])
        self.links.new(added.outputs[0], socket)

    def picture(self, image: Any) -> Any:
        """Add an image in the mesh's texture coordinates; return its node."""
        added = self.node("TexImage")
        added.image, added.extension = image, "EXTEND"
        return added


def board() -> Any:
    """Return white poster board: matt, with a few scuffs."""
    made = Material("board", roughness=0.65, specular_ior_level=0.3)
    scuffs = made.noise(0.25, detail=3)
    made.set(made.shader.inputs["Base Color"], made.colours(scuffs, (0.77, 0.77, 0.77), (0.82, 0.82, 0.815)))
    return made.data


def glass(name: str, density: Colour, ior: float = 1.52) -> Any:
    """Return glass that takes `density` of red, green and blue away, in powers of e for each centimetre."""
    made = Material(name)
    made.nodes.remove(made.shader)
    mixed = made.node("MixShader", Fac=made.node("Fresnel", IOR=ior).outputs[0])
    made.set(mixed.inputs[1], made.node("BsdfRefraction", Color=(1, 1, 1, 1), Roughness=0.0, IOR=ior).outputs[0])
    # Not quite a mirror: then the window is found by sampling lights, with far less noise.
    made.set(mixed.inputs[2], made.node("BsdfGlossy", Color=(1, 1, 1, 1), Roughness=0.015).outputs[0])
    output = made.nodes["Material Output"]
    made.set(output.inputs["Surface"], mixed.outputs[0])
    strongest = max(density)
    if strongest > 0:
        keeps = (*(1 - each / strongest for each in density), 1)
        absorption = made.node("VolumeAbsorption", Color=keeps, Density=strongest)
        made.set(output.inputs["Volume"], absorption.outputs[0])
    return made.data


def thin_wall(name: str, colour: Colour, ior: float) -> Any:
    """Return a clear wall too thin to bend light: it mirrors by Fresnel's law, and lets the rest through."""
    made = Material(name)
    made.nodes.remove(made.shader)
    waves = made.node("Bump", Height=made.noise(1.2, detail=3), Distance=0.05)
    # Seen from behind, Cycles takes the inverse, as if light came out of a solid: undo that.
    behind = made.node("NewGeometry").outputs["Backfacing"]
    outside = made.node("MapRange", Value=behind, To_Min=ior, To_Max=1 / ior)
    mirrored = made.node("Fresnel", IOR=outside.outputs[0], Normal=waves.outputs[0])
    # Both sides of the wall mirror.
    twice = made.node("MapRange", Value=mirrored.outputs[0], To_Max=1.9)
    through = made.node("BsdfTransparent", Color=(*colour, 1))
    mirror = made.node("BsdfGlossy", Color=(1, 1, 1, 1), Roughness=0.05, Normal=waves.outputs[0])
    mixed = made.node("MixShader", Fac=twice.outputs[0])
    made.set(mixed.inputs[1], through.outputs[0])
    made.set(mixed.inputs[2], mirror.outputs[0])
    made.set(made.nodes["Material Output"].inputs["Surface"], mixed.outputs[0])
    return made.data


def metal(name: str, colour: Colour, roughness: float, scratches: float = 0.0) -> Any:
    """Return bare metal sheet; `scratches` is the depth in centimetres of the fine lines that rolling leaves."""
    made = Material(name, colour, metallic=1.0)
    worn = made.noise(0.8, detail=4)
    made.set(made.shader.inputs["Roughness"], made.between(worn, roughness * 0.7, roughness * 1.3))
    if scratches:
        made.bump(made.noise(1.0, detail=3, stretch=(30, 30, 1.5)), scratches)
    made.bump(made.noise(0.5, detail=2), 0.03)
    return made.data


def plastic(name: str, colour: Colour, roughness: float = 0.35) -> Any:
    """Return opaque moulded plastic, as caps are of."""
    made = Material(name, colour, roughness=roughness, subsurface_weight=0.0)
    made.bump(made.noise(6.0), 0.004)
    return made.data


def printed(name: str, print_: Any, roughness: float = 0.5, relief: float = 0.0, cut_out: bool = False) -> Any:
    """Return paper or film with a print in texture coordinates; with `cut_out` the picture's alpha cuts its shape."""
    made = Material(name, roughness=roughness)
    node = made.picture(print_)
    made.set(made.shader.inputs["Base Color"], node.outputs["Color"])
    if cut_out:
        made.set(made.shader.inputs["Alpha"], node.outputs["Alpha"])
    if relief:
        made.bump(made.noise(0.9, detail=5), relief)
    return made.data
