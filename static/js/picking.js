// How pictures come to a page: chosen, dropped, pasted, or a sample.

/** Give `add` the files; the page has #choose, #files, #drop and buttons with data-sample. */
export function takePictures(add) {
  const part = (id) => document.getElementById(id);
  part("choose").addEventListener("click", () => part("files").click());
  part("files").addEventListener("change", () => {
    add(part("files").files);
    part("files").value = "";
  });
  const drop = part("drop");
  addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", () => drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    add(event.dataTransfer.files);
  });
  addEventListener("paste", (event) => {
    if (event.clipboardData.files.length) add(event.clipboardData.files);
  });
  for (const button of document.querySelectorAll("[data-sample]")) {
    button.addEventListener("click", async () => {
      const response = await fetch(button.dataset.sample);
      const name = button.dataset.sample.split("/").pop();
      add([new File([await response.blob()], name, { type: "image/jpeg" })]);
      part("results-part").scrollIntoView({ block: "start" });
    });
  }
  for (const button of document.querySelectorAll("#choose, [data-sample]")) button.disabled = false;
}
