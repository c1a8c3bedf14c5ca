"""The settings, in one small dialog."""

from __future__ import annotations

from impasto_editor.texts import languages, tr
from impasto_krita.qt import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)
from impasto_krita.settings import Settings


class SettingsDialog(QDialog):
    """Changes the settings it was given when it is accepted."""

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Settings of Style Transfer"))
        self._settings = settings
        titles = (tr("Layer with transparency mask"), tr("One flat layer"), tr("Group of layer and mask"))
        self.result = _choice(dict(zip(settings.RESULTS, titles, strict=True)), settings.result)
        self.paint_on_click = QCheckBox(tr("A click on a style paints at once"))
        self.paint_on_click.setChecked(settings.paint_on_click)
        self.invitation = QLineEdit(settings.invitation)
        self.invitation.setPlaceholderText(tr("This machine"))
        self.invitation.setToolTip(
            tr("For a server on another machine: the invitation file that “impasto serve --remote” wrote there")
        )
        browse = QPushButton(tr("Choose …"))
        browse.clicked.connect(self._browse)
        server = QHBoxLayout()
        server.addWidget(self.invitation, 1)
        server.addWidget(browse)
        self.unload_after = _minutes(settings.unload_after, tr("The memory of the models is given back"))
        self.exit_after = _minutes(settings.exit_after, tr("Counts when the docker starts the server"))
        self.language = _choice({"auto": tr("Language of Krita"), **languages()}, settings.language)
        self.language.setToolTip(tr("Counts from the next start of Krita"))

        form = QFormLayout()
        form.addRow(tr("A painting becomes"), self.result)
        form.addRow("", self.paint_on_click)
        form.addRow(tr("Server"), server)
        form.addRow(tr("Unload models after"), self.unload_after)
        form.addRow(tr("End the server after"), self.exit_after)
        form.addRow(tr("Language"), self.language)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self._accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(buttons)

    def _browse(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Invitation of a server"), "", "JSON (*.json)")
        if path:
            self.invitation.setText(path)

    def _accept(self) -> None:
        settings = self._settings
        settings.result = self.result.currentData()
        settings.paint_on_click = self.paint_on_click.isChecked()
        settings.invitation = self.invitation.text().strip()
        settings.unload_after = self.unload_after.value()
        settings.exit_after = self.exit_after.value()
        settings.language = self.language.currentData()
        self.accept()


def _choice(titles: dict[str, str], current: str) -> QComboBox:
    box = QComboBox()
    for value, title in titles.items():
        box.addItem(title, value)
    box.setCurrentIndex(max(0, box.findData(current)))
    return box


def _minutes(value: int, tip: str) -> QSpinBox:
    field = QSpinBox()
    field.setRange(0, 24 * 60)
    field.setSuffix(" " + tr("min"))
    field.setSpecialValueText(tr("never"))
    field.setValue(value)
    field.setToolTip(tip)
    return field
