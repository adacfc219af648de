// What is wider than its place scrolls. It fades at an edge beyond which there is more, and can be
// reached and moved with the keyboard.

const WIDE =
  ".table-wrapper, .highlight pre, .cell_output, .cell_output .output, .wide-image, .math, mjx-container";

function update(part) {
  const hidden = part.scrollWidth - part.clientWidth;
  part.classList.toggle("more-left", hidden > 1 && part.scrollLeft > 1);
  part.classList.toggle("more-right", hidden > 1 && part.scrollLeft < hidden - 1);
  if (hidden > 1) part.tabIndex = 0;
  else part.removeAttribute("tabindex");
}

document.addEventListener("DOMContentLoaded", () => {
  for (const image of document.querySelectorAll(".cell_output figure img")) {
    const place = document.createElement("div"); // The caption below stays where it is.
    place.className = "wide-image";
    image.replaceWith(place);
    place.append(image);
  }
  const sizes = new ResizeObserver((entries) => entries.forEach((entry) => update(entry.target)));
  for (const part of document.querySelectorAll(WIDE)) {
    part.addEventListener("scroll", () => update(part), { passive: true });
    sizes.observe(part);
  }
});
