"""The models of a session converted and compiled, what their platforms lack for them, and the size at which they would fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from conversion.executorch.lowering import lowered_source
from conversion.pipeline import Settings, Source, compile_source, int8_source
from conversion.quantise import DEFAULT_RECIPE, RECIPES
from conversion.steps import Calibration
from core.errors import UsageError
from core.records.artefact import Artefact
from core.records.case_key import CaseKey
from core.records.memory_shortfall import MemoryShortfall
from core.records.unavailable import Unavailable
from harness.workbench.calibration import data_calibration, packaged_calibration
from harness.workbench.fitting import Shortfalls, largest_confirmed
from harness.workbench.models import Model, Models
from harness.workbench.open_targets import OpenTargets
from harness.workbench.session import Session


class Conversions:
    """From a case to its int8 file and its artefact; models that are equal share both."""

    def __init__(self, session: Session, models: Models, targets: OpenTargets) -> None:
        self._session = session
        self._models = models
        self._targets = targets

    def source(self, case: CaseKey) -> Source:
        """The int8 file of a case; a twin's is taken over under this model's name."""
        twin = self._models.twin(case.variant)
        if twin:
            return replace(self.source(replace(case, variant=twin)), variant=case.variant)
        npu = self._session.profiles[case.profile].identity if "frontend" in case.choices else ""
        return self._session.memo.get(("source", case.model, npu), lambda: self._source(case))

    def _source(self, case: CaseKey) -> Source:
        name, model, dataset = case.variant, self._models[case.variant], self._session.dataset
        self._models.require_identity(name)
        if model.file:
            return self._models.given(name)
        facts = self._models.facts(name)
        assert facts
        assert model.origin
        if dataset and not model.seeded:
            self._session.task.require_classes(dataset, len(facts.classes), name)
        settings, tell = self._settings(case), self._session.telling(case.model)
        if layout := case.choices.get("layout"):
            profile, calibration = self._session.profiles[case.profile], self._calibration(model)
            return lowered_source(model.origin, facts, settings, calibration, profile, layout, tell)
        return int8_source(model.origin, facts, settings, self._calibration(model), tell)

    def artefact(self, case: CaseKey) -> Artefact:
        """A case's model compiled for its profile."""
        source = self.source(case)
        key = ("artefact", source.int8.sha256, case.profile)
        made = self._session.memo.get(key, lambda: self._compiled(source, case))
        return replace(made, variant=case.variant)

    def _compiled(self, source: Source, case: CaseKey) -> Artefact:
        profile, tell = self._session.profiles[case.profile], self._session.telling(case.variant)
        return compile_source(source, profile, self._session.options, tell)

    def _settings(self, case: CaseKey) -> Settings:
        """How a case is converted; seeded weights have no accuracy to save and take the fast recipe unless one is named."""
        asked = self._session.options.image_size
        size = self._size_that_fits(case) if asked == "auto" else asked
        return self._settings_at(size, self._recipe(self._models[case.variant]))

    def _settings_at(self, size: int | None, recipe: str) -> Settings:
        options = self._session.options
        return Settings(recipe=recipe, cut=options.cut, image_size=size)

    def _recipe(self, model: Model) -> str:
        return self._session.options.recipe or ("fast" if model.seeded else DEFAULT_RECIPE)

    def _calibration(self, model: Model) -> Calibration:
        options = self._session.options
        if not options.data:
            return packaged_calibration()
        return data_calibration(
            self._session.task, options.data, options.calibration_images or RECIPES[self._recipe(model)].images
        )

    def shortfalls(self, case: CaseKey) -> Shortfalls:
        """Each memory region that is too small for a case: of the target's platform where it has one, else of the profile."""
        return self._targets.of(case.target).shortfalls(self.artefact(case))

    def unfit(self, case: CaseKey) -> Unavailable | None:
        """Why a target does not run a case: its platform has no room for it. None when it does run it."""
        if not self._targets.of(case.target).must_fit:
            return None
        found = self.shortfalls(case)
        return Unavailable(f"does not fit: {'; '.join(map(str, found))}", "shortfall") if found else None

    def fitting_size(self, case: CaseKey) -> int | Unavailable:
        """The largest image size at which a case that does not fit would, 0 when there is none, or why it is not known."""
        if self._models[case.variant].file:
            return Unavailable("a quantised file has one size")
        if "frontend" in case.choices:
            return Unavailable("computed for files of the front end TFLite")
        if not self._targets.of(case.target).must_fit:
            return Unavailable("computed for platforms that refuse what does not fit")
        return self._largest_fitting([case], self.artefact(case).image_size)

    def _size_that_fits(self, case: CaseKey) -> int:
        """The largest size at which a model fits every profile and target; UsageError when there is none."""
        facts = self._models.facts(case.variant)
        assert facts
        options, profiles = self._session.options, self._session.profiles
        everywhere = [replace(case, profile=profile, target=spec) for profile in profiles for spec in options.targets]
        size = self._largest_fitting(everywhere, facts.image_size)
        if not size:
            where = ", ".join(dict.fromkeys(f"{one.profile} on {one.target}" for one in everywhere))
            raise UsageError(f"--imgsz auto: {case.variant} fits {where} at no image size", "a platform with more memory")
        return size

    def _largest_fitting(self, cases: Sequence[CaseKey], limit: int) -> int:
        """Found by converting and compiling at few sizes with the fast recipe, then held against the one asked for.

        The cases are of one model. Two recipes' files need nearly the same memory, not quite: what just fits with one may be
        some bytes too large.
        """
        model = self._models[cases[0].variant]
        facts = self._models.facts(model.name)
        assert facts
        fast = partial(self._shortfalls_at, cases, recipe="fast", calibration=packaged_calibration())
        wanted = partial(self._shortfalls_at, cases, recipe=self._recipe(model), calibration=self._calibration(model))
        key = ("fitting", facts.weights, limit, *(one.place for one in cases))
        return self._session.memo.get(key, lambda: largest_confirmed(limit, fast, wanted, max(facts.strides)))

    def _shortfalls_at(
        self, cases: Sequence[CaseKey], size: int, *, recipe: str, calibration: Calibration
    ) -> list[MemoryShortfall]:
        """What the platforms of all cases lack for their model at an image size."""
        name = cases[0].variant
        facts, origin, tell = self._models.facts(name), self._models[name].origin, self._session.telling(name)
        assert facts
        assert origin
        tell(f"does it fit at {size} px, recipe {recipe}?")
        source = int8_source(origin, facts, self._settings_at(size, recipe), calibration, tell)
        return [
            shortfall for case in cases for shortfall in self._targets.of(case.target).shortfalls(self._compiled(source, case))
        ]
