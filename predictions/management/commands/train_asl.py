"""Trains, converts and describes a letter network as it is shipped."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from predictions.management.commands.train_emotions import at_least_one


class Command(BaseCommand):
    """`manage.py train_asl --data DIR`: a checkpoint every epoch, four files at the end."""

    help = "Train the network for sign-language letters on DIR/asl.npz and write its four files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--data", type=Path, required=True, help="folder of asl.npz")
        parser.add_argument("--epochs", type=at_least_one, help="passes over the data")
        parser.add_argument("--seed", type=int, help="of everything that is drawn")
        parser.add_argument("--out", type=Path, help="default: training_runs/letters")
        parser.add_argument("--resume", action="store_true", help="go on after a kill")
        parser.add_argument("--small", action="store_true", help="the network for hardware")
        parser.add_argument(
            "--hold-out", default="", metavar="SOURCE", help="judge on this source, learn without"
        )

    def handle(self, **options: Any) -> None:
        from predictions.training.letters.run import Recipe, small_recipe, train  # TensorFlow
        from predictions.training.letters.ship import ship
        from predictions.training.packs import PackError

        given = {name: options[name] for name in ("epochs", "seed") if options[name] is not None}
        given["held_out"] = options["hold_out"]
        recipe = small_recipe(**given) if options["small"] else Recipe(**given)
        out = options["out"] or Path(
            "training_runs", "letters-small" if recipe.small else "letters"
        )
        try:
            trainer = train(options["data"], out, recipe, resume=options["resume"])
            if recipe.held_out:
                self.stdout.write(f"{trainer.history[-1]}")
                return
            facts = ship(options["data"], out, out)
        except (PackError, FileNotFoundError, FileExistsError, ValueError) as error:
            raise CommandError(str(error)) from error
        for scores in facts["metrics"]["sets"]:
            self.stdout.write(
                f"{scores['title']}: accuracy {scores['accuracy']:.4f}, top-3 {scores['top3']:.4f}"
            )
