"""Why something was not taken, made or given, as problems that name what to do next."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from visionai.lib.errors import DomainError

# What the loader's codes mean to people.
REASONS: Final[dict[str, str | Promise]] = {
    "not_keras": _("It is neither a .keras nor an .h5 file."),
    "file_too_large": _("It is larger than 50 MB."),
    "damaged_zip": _("The archive is damaged; save the network again."),
    "zip_entries": _("The archive has too many files in it."),
    "zip_bomb": _("It would unpack to far more than a network needs."),
    "zip_path": _("The archive names files outside of itself."),
    "zip_encrypted": _("The archive is encrypted."),
    "zip_missing": _("Its settings or its weights are missing; save the whole network."),
    "not_hdf5": _("Its weights are no HDF5 file."),
    "damaged_hdf5": _("Its weights are damaged; save the network again."),
    "hdf5_too_deep": _("Its weights are nested too deeply."),
    "hdf5_link": _("Its weights point outside of the file."),
    "hdf5_external": _("Its weights lie outside of the file."),
    "hdf5_type": _("Its weights are no plain numbers."),
    "hdf5_packed": _("Its weights are compressed oddly; save it again with Keras's model.save."),
    "too_many_arrays": _("It has too many arrays."),
    "no_config": _("It has weights alone; save the whole network, not its weights."),
    "config_too_long": _("Its settings are too long."),
    "bad_config": _("Its settings cannot be read."),
    "not_a_network": _("It is not a Sequential or Functional network."),
    "too_many_layers": _("It has more than 200 layers."),
    "several_ends": _("It has several inputs or outputs; one of each can be opened."),
    "custom_layer": _("It has a layer of somebody's own; only Keras's layers are opened."),
    "unknown_layer": _("It has a layer that is not known here."),
    "bad_settings": _("A layer's settings make no sense."),
    "bad_shape": _("A layer's output is too large."),
    "bad_name": _("A layer's name is empty, too long, or used twice."),
    "bad_wiring": _("A layer reads from one that does not come before it."),
    "shared_layer": _("A layer is used twice; give each use a layer of its own."),
    "too_many_parameters": _("It has more than five million parameters."),
    "not_a_picture": _("Its input is no picture of fixed size, up to 1,024 a side, 4 channels."),
    "weights_missing": _("Weights of a layer are missing."),
    "weights_shape": _("Weights have another shape than the settings say."),
    "weights_empty": _("Weights of a layer were never written."),
    "weights_not_finite": _("Some weights are not finite."),
    "too_slow": _("It took too long to read."),
}


class NetworkRefused(DomainError):
    """The loader's code, worded."""

    status, title = 422, _("This network cannot be opened")

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__()
        self.facts = facts
        self.code = code  # type: ignore[misc]

    def sentence(self) -> str:
        text = str(REASONS.get(self.code, _("It is not a network that can be opened.")))
        layer = self.facts.get("layer")
        return f"{text} ({layer})" if layer else text


class NoFile(DomainError):
    status, code, title = 400, "no_file", _("There is no file")
    detail = _("Send the file as the multipart field “file”.")


class NameTaken(DomainError):
    status, code, title = 409, "name_taken", _("You have a network of that name")
    detail = _("Delete {filename} first, or upload the file under another name.")


class BadFaults(DomainError):
    """A fault configuration with mistakes; `mistakes` names each with its place."""

    status, code, title = 400, "bad_fault_config", _("The fault configuration has mistakes")
    detail = _("{reason}")


class QuotaReached(DomainError):
    status, code, title = 409, "quota", _("Your space is used up")
    detail = _("{used} of {limit} are in use. Delete what you do not need; the largest: {largest}.")


class TooManyNetworks(DomainError):
    status, code, title = 409, "too_many_networks", _("You have too many networks")
    detail = _("{limit} are allowed; delete one that you do not need.")


class GuestsQuotaReached(DomainError):
    status, code, title = 409, "quota", _("The space for visitors is used up")
    detail = _("Sign in, or come back when older exports of visitors were deleted.")


class BusyAlready(DomainError):
    status, code, title = 409, "busy", _("One export at a time")
    detail = _("{session_id} is still running; wait for it or cancel it.")


class AddressBusy(DomainError):
    """A guest's address has a run of another guest's, whose name is not told."""

    status, code, title = 409, "busy", _("One export at a time")
    detail = _("An export from your address is still running; wait for its end or sign in.")


class TooOften(DomainError):
    status, code, title = 429, "throttled", _("That was too often")
    detail = _("Wait {seconds} seconds, then try again.")


class NoNetwork(DomainError):
    status, code, title = 404, "no_network", _("There is no such network")
    detail = _("Choose one from the list of your networks.")


class NoExport(DomainError):
    status, code, title = 404, "no_export", _("There is no such export")
    detail = _("It may have been deleted; the list shows what is there.")


class NoDesign(DomainError):
    status, code, title = 409, "no_design", _("There is no finished design")
    detail = _("Only a whole network that is done can be taken past synthesis.")


class BadInput(DomainError):
    status, code, title = 400, "bad_input", _("The request is not valid")
    detail = _("{reason}")


# Of errors that were kept before they had all of their facts.
BLANKS: Final = dict.fromkeys(("layer", "reason", "expected", "made", "used", "largest"), "—")


class RunFailed(DomainError):
    """A run that ended without a result; the code is the child's own."""

    status, title = 422, _("Nothing was made")

    def __init__(self, code: str, **facts: object) -> None:
        super().__init__()
        self.facts = facts
        self.code = code  # type: ignore[misc]

    def sentence(self) -> str:
        text = str(FAULTS.get(self.code) or REASONS.get(self.code) or FAULTS["internal"])
        return text.format(**{**BLANKS, **self.facts})


FAULTS: Final[dict[str, str | Promise]] = {
    "internal": _("The run failed on the server. Try again; if it fails again tell the operator."),
    "limits": _("The run took more time or memory than is allowed. Try a smaller network."),
    "cancelled": _("It was cancelled."),
    "lost": _("The run was interrupted too often. Start it again."),
    "quota": _(
        "It made {made}, but {used} of {limit} are in use."
        " Delete what you do not need; the largest: {largest}."
    ),
    "no_design": _("The design was deleted."),
    "mismatch": _("The simulation differed from the model, so the design is not given out."),
    "not_for_hardware": _("No core can hold the layer {layer}: {reason}."),
    "stream_too_wide": _(
        "A stream cannot take the layer {layer}: a pixel of it has {bits} bits, and {most} are the"
        " most. The preset compact takes this network."
    ),
    "array_shape": _("The numbers are not those of a picture of {expected}."),
    "bad_array": _("The numbers are no picture."),
    "channels": _("A picture file has 1 or 3 channels; send this network an array."),
    "bad_fault_config": _("The faults do not fit this network: {reason}."),
    "bad_plan": _("The campaign does not fit this network: choose layers that have what is hit."),
    "too_many_trials": _("That would be {trials} trials; {limit} are allowed."),
    "unknown_node": _("The network has no layer {node}."),
    "no_weights": _("The layer {node} has no weights."),
    "bit_outside": _("The layer {node} has words of {bits} bits; bit {bit} is outside."),
    "position_outside": _("The layer {node} has {count} words; position {position} is outside."),
    "too_many_hits": _("The layer {node} has {count} bits; {hits} cannot be hit."),
    "pack_too_large": _("The pack is larger than {limit} MB."),
    "pack_damaged": _("The pack is neither a ZIP nor an .npz file, or it is damaged."),
    "pack_missing": _("The .npz lacks data, offsets, label or split."),
    "pack_columns": _("The columns of the .npz do not fit each other."),
    "pack_entries": _("The pack has more than {limit} pictures."),
    "pack_path": _("The pack names a file outside of itself: {name}."),
    "pack_name": _("A name in the pack is longer than {limit} characters: {name}."),
    "pack_encrypted": _("The pack is encrypted."),
    "pack_bomb": _("The file {name} of the pack would unpack to far more than a picture needs."),
    "pack_unpacked": _("The pack unpacks to more than {limit} MB."),
    "pack_empty": _("The pack has no picture (JPEG, PNG or WebP)."),
    "pack_file": _("The file {name} of the pack is no picture; take it out."),
    "pack_picture_large": _("The picture {name} of the pack is larger than 10 MB."),
    "pack_picture": _("The picture {name} of the pack cannot be read."),
    "pack_mixed": _("{name} lies in no folder, and others do: give each picture a label, or none."),
    "pack_label": _(
        "The label {label} is no class of the network: name the folders as its classes, or by"
        " their numbers from 0 to {count}."
    ),
    "image_size": _("A side has 1 to 1,024 pixels."),
    "empty": _("The picture is empty."),
    "too_large": _("The picture is too large."),
    "unsupported_format": _("It is not a JPEG, PNG or WebP picture."),
    "too_many_pixels": _("The picture has too many pixels."),
    "animated": _("The picture is animated; send a still one."),
    "broken": _("The picture is damaged."),
}
