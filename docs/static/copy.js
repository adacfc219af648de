// A button on each piece of code copies it; of an example with prompts only what is to be typed.

function codeOf(block) {
  const text = block.querySelector("pre").textContent;
  const typed = text.split("\n").filter((line) => /^(>>>|\.\.\.) /.test(line));
  return typed.length ? typed.map((line) => line.slice(4)).join("\n") + "\n" : text;
}

// Pages that are opened from a folder may not have the clipboard of the newer kind.
async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

document.addEventListener("DOMContentLoaded", () => {
  for (const block of document.querySelectorAll("div.highlight")) {
    if (block.closest(".cell_output")) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await copy(codeOf(block));
      button.textContent = "Copied";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
    block.append(button);
  }
});
