"""Trains, converts and describes the emotion network as it is shipped."""

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    """`manage.py train_emotions --data DIR`: a checkpoint every epoch, four files at the end."""

    help = "Train the emotion network on the packs in DIR and write its four files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of the .npz packs")
        parser.add_argument(
            "--epochs", type=at_least_one, help="passes over the data, before the calm ones"
        )
        parser.add_argument("--seed", type=int, help="of everything that is drawn")
        parser.add_argument("--out", type=Path, default=Path("training_runs/emotions"))
        parser.add_argument(
            "--teacher", type=Path, nargs="*", default=[], help="finished runs to learn from"
        )
        parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", dest="recipe")
        parser.add_argument("--resume", action="store_true", help="go on after a kill")

    def handle(self, **options: Any) -> None:
        from predictions.training.packs import PackError  # TensorFlow loads for seconds
        from predictions.training.run import Recipe, train, with_settings
        from predictions.training.ship import ship

        given = {name: options[name] for name in ("epochs", "seed") if options[name] is not None}
        data, out = options["data"], options["out"]
        try:
            recipe = with_settings(Recipe(**given), options["recipe"])
            train(data, out, recipe, resume=options["resume"], teachers=options["teacher"])
            facts = ship(data, out, out)
        except (PackError, FileNotFoundError, FileExistsError, ValueError) as error:
            raise CommandError(str(error)) from error
        first = facts.metrics["sets"][0]
        self.stdout.write(
            f"{facts.precision}: {first['title']}: accuracy {first['accuracy']:.4f}, "
            f"macro-F1 {first['macro_f1']:.3f}"
        )


def at_least_one(text: str) -> int:
    """A count from the command line."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is no count; use 1 or more")
    return int(text)
