// A signature drawn with a finger, kept as a PNG; a file can be given instead where drawing is not possible.
class Signature {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.clear();
    canvas.addEventListener("pointerdown", (event) => this.begin(event));
    canvas.addEventListener("pointermove", (event) => this.go(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => (this.down = false));
  }
  clear() {
    [this.down, this.empty] = [false, true];
    this.pen.fillStyle = "#fff";
    this.pen.fillRect(0, 0, this.canvas.width, this.canvas.height);
    Object.assign(this.pen, { lineWidth: 3, lineCap: "round", strokeStyle: "#16212b" });
  }
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return [((clientX - left) * this.canvas.width) / width, ((clientY - top) * this.canvas.height) / height];
  }
  begin(event) {
    this.down = true;
    this.canvas.setPointerCapture(event.pointerId);
    this.pen.beginPath();
    this.pen.moveTo(...this.place(event));
  }
  go(event) {
    if (!this.down) return;
    this.empty = false;
    this.pen.lineTo(...this.place(event));
    this.pen.stroke();
  }
  async file() {
    const blob = await new Promise((done) => this.canvas.toBlob(done, "image/png"));
    return new File([blob], "signature.png", { type: "image/png" });
  }
}
