// The room in 3D: the primitives of the robot's world, moved by the poses that arrive. Draws only when something moved.

import * as THREE from "three";
import { OrbitControls } from "three/OrbitControls";

const BLEND_MS = 60; // poses come every 50 ms: motion is drawn one arrival late, and smooth
const START_OFFSET = [2.0, 1.25, 0.75]; // where the eye is, from what it looks at [m]: in front, to the robot's left
const LOOK_AHEAD = 0.35; // how far before the robot's base it looks at: what its hands are at is in the middle [m]
const LOOK_HEIGHT = 0.75; // height it looks at, over the robot's base [m]
const SOFTWARE_PIXELS = 360_000; // without a GPU, at most this many pixels are drawn
const NEAR_PART = 0.35; // of the way to what the eye looks at, is left clear
const SLOW_MS = 34; // drawing that takes longer than two frames of a screen may use a third of the time at most
const REST_MAX_MS = 300; // the first picture takes long, because everything is made ready for it: that is no pace
const INFINITE_PLANE = 40; // side of a plane that has no edge in the model [m]

const REMEMBERED_S = 2; // not seen for longer than this [s]: remembered
const SEEN = new THREE.LineBasicMaterial({ color: 0x14c9bb });
const REMEMBERED = new THREE.LineBasicMaterial({ color: 0x14c9bb, transparent: true, opacity: 0.35 });
const ABOUT = new THREE.LineBasicMaterial({ color: 0xffb000 });
const GLOW = new THREE.MeshBasicMaterial({ color: 0xffb000, transparent: true, opacity: 0.3, depthWrite: false });
const GLOW_M = 0.03; // what the robot is busy with stands in a box this much larger [m]

export class Room {
  #canvas;
  #renderer;
  #scene = new THREE.Scene();
  #eye = new THREE.PerspectiveCamera(42, 1, 0.05, 120);
  #orbit;
  #bodies = [];
  #root = 0;
  #from = null;
  #to = null;
  #blendStart = 0;
  #isDirty = true;
  #isFollowing = true;
  #isPlaced = false;
  #lastRoot = new THREE.Vector3();
  #sun;
  #isSoftware;
  #marks = new THREE.Group();
  #things = [];
  #about = new Set();
  #fence = null;
  #drawnMs = 0;
  #nextMs = 0;

  /** Raises an Error when the browser has no WebGL. */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#isSoftware = /swiftshader|llvmpipe|software/i.test(rendererName());
    this.#renderer = new THREE.WebGLRenderer({ canvas, antialias: !this.#isSoftware, powerPreference: "low-power" });
    this.#renderer.shadowMap.enabled = !this.#isSoftware; // shadows are what costs most on a machine without a GPU
    this.#renderer.shadowMap.type = THREE.PCFSoftShadowMap;
    this.#eye.up.set(0, 0, 1);
    this.#orbit = new OrbitControls(this.#eye, canvas);
    this.#orbit.enableDamping = true;
    this.#orbit.dampingFactor = 0.12;
    this.#orbit.minDistance = 0.4;
    this.#orbit.maxDistance = 14;
    this.#orbit.maxPolarAngle = 1.54; // not under the floor
    this.#orbit.listenToKeyEvents(canvas);
    this.#orbit.addEventListener("change", () => { this.#isDirty = true; });
    this.#light();
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paint());
    this.#paint();
    this.#resize();
    requestAnimationFrame((now) => this.#frame(now));
  }

  get isPlaced() {
    return this.#isPlaced;
  }

  follow(isFollowing) {
    this.#isFollowing = isFollowing;
  }

  /** Put the eye back where it started. */
  goHome() {
    const root = this.#lastRoot;
    this.#orbit.target.set(root.x + LOOK_AHEAD, root.y, root.z + LOOK_HEIGHT);
    const distance = this.#eye.aspect < 1 ? 1.35 : 1;
    this.#eye.position.copy(this.#orbit.target).add(new THREE.Vector3(...START_OFFSET).multiplyScalar(distance));
    this.#orbit.update();
    this.#isDirty = true;
  }

  /** Build the bodies of a described scene: {bodies, geoms}. */
  build(description) {
    for (const body of this.#bodies) this.#scene.remove(body);
    this.#bodies = description.bodies.map(() => new THREE.Group());
    this.#root = Math.max(description.bodies.indexOf("base"), Math.min(1, description.bodies.length - 1));
    for (const geom of description.geoms) {
      const mesh = meshOf(geom);
      if (mesh) this.#bodies[geom.body].add(mesh);
    }
    this.#scene.add(...this.#bodies);
    this.#marks.clear();
    this.#bodies[this.#root]?.add(this.#marks); // what the robot perceives is told from where its base is
    this.#from = this.#to = null;
    this.#isPlaced = false;
    this.#isDirty = true;
  }

  /** Take new poses: p (n, 3) [m] and q (n, 4) wxyz, flat. */
  move({ p, q }) {
    if (p.length !== 3 * this.#bodies.length) return;
    this.#from = this.#to ?? { p, q };
    this.#to = { p, q };
    this.#blendStart = performance.now();
    this.#isDirty = true;
    if (!this.#isPlaced) {
      this.#apply(1);
      this.#lastRoot.copy(this.#bodies[this.#root].position);
      this.#isPlaced = true;
      this.goHome();
    }
  }

  /** Draw what the robot perceives as outlines; what it remembers, but does not see, is fainter. */
  mark(things) {
    this.#things = things;
    this.#drawMarks();
  }

  /** Point out the things with these numbers: those that the robot is busy with. */
  point(about) {
    this.#about = about;
    this.#drawMarks();
  }

  #drawMarks() {
    for (const old of this.#marks.children) old.geometry.dispose();
    this.#marks.clear();
    for (const thing of this.#things) {
      for (const shape of marksOf(thing, this.#about.has(thing.id))) {
        shape.position.set(...thing.p);
        shape.rotation.z = thing.yaw;
        this.#marks.add(shape);
      }
    }
    this.#isDirty = true;
  }

  #light() {
    this.#scene.add(new THREE.HemisphereLight(0xffffff, 0x8a8f98, 1.7));
    this.#sun = new THREE.DirectionalLight(0xfff4e2, 2.2);
    this.#sun.castShadow = true;
    this.#sun.shadow.mapSize.set(2048, 2048);
    Object.assign(this.#sun.shadow.camera, { left: -4, right: 4, top: 4, bottom: -4, near: 0.5, far: 16 });
    this.#sun.shadow.bias = -0.0006;
    this.#sun.shadow.normalBias = 0.02;
    const fill = new THREE.DirectionalLight(0xdfe8ff, 0.7);
    fill.position.set(-3, -4, 3);
    this.#scene.add(this.#sun, this.#sun.target, fill);
  }

  #paint() {
    const color = new THREE.Color(getComputedStyle(document.documentElement).getPropertyValue("--stage").trim() || "#ccc");
    this.#scene.background = color;
    this.#scene.fog = new THREE.Fog(color, 9, 22);
    this.#isDirty = true;
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (!width || !height) return;
    const fit = Math.sqrt(SOFTWARE_PIXELS / (width * height));
    this.#renderer.setPixelRatio(this.#isSoftware ? Math.min(1, fit) : Math.min(devicePixelRatio, 2));
    this.#renderer.setSize(width, height, false);
    this.#eye.aspect = width / height;
    this.#eye.updateProjectionMatrix();
    this.#isDirty = true;
  }

  #apply(part) {
    const { p: p0, q: q0 } = this.#from;
    const { p: p1, q: q1 } = this.#to;
    const other = new THREE.Quaternion();
    this.#bodies.forEach((body, i) => {
      const [a, b] = [3 * i, 4 * i];
      body.position.set(p0[a] + part * (p1[a] - p0[a]), p0[a + 1] + part * (p1[a + 1] - p0[a + 1]), p0[a + 2] + part * (p1[a + 2] - p0[a + 2]));
      body.quaternion.set(q0[b + 1], q0[b + 2], q0[b + 3], q0[b]); // ours are wxyz, three's xyzw
      if (part > 0) body.quaternion.slerp(other.set(q1[b + 1], q1[b + 2], q1[b + 3], q1[b]), part);
    });
  }

  #frame(now) {
    requestAnimationFrame((next) => this.#frame(next));
    if (this.#to && this.#blendStart > 0) {
      const part = Math.min(1, (now - this.#blendStart) / BLEND_MS);
      this.#apply(Math.max(0, part));
      this.#followRoot();
      this.#isDirty = true;
      if (part >= 1) this.#blendStart = 0;
    }
    this.#orbit.update();
    if (!this.#isDirty || !this.#isPlaced || document.hidden || this.#isBusy(now)) return;
    this.#isDirty = false;
    this.#drawnMs = now;
    this.#clipNear();
    this.#renderer.render(this.#scene, this.#eye);
    const gl = this.#renderer.getContext();
    this.#fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
  }

  /** Cut away what stands close before the eye, such as a person walking past: it would hide the robot. */
  #clipNear() {
    const near = Math.min(1, NEAR_PART * this.#eye.position.distanceTo(this.#orbit.target));
    if (Math.abs(near - this.#eye.near) < 0.01) return;
    this.#eye.near = near;
    this.#eye.updateProjectionMatrix();
  }

  /** Whether the last picture is still being drawn, or took so long that the rest of the page gets its turn first. */
  #isBusy(now) {
    const gl = this.#renderer.getContext();
    if (this.#fence && !gl.isContextLost()) {
      if (gl.clientWaitSync(this.#fence, 0, 0) === gl.TIMEOUT_EXPIRED) return true;
      gl.deleteSync(this.#fence);
      const tookMs = now - this.#drawnMs;
      this.#nextMs = tookMs > SLOW_MS ? now + Math.min(2 * tookMs, REST_MAX_MS) : now;
    }
    this.#fence = null;
    return now < this.#nextMs;
  }

  #followRoot() {
    const root = this.#bodies[this.#root].position;
    if (this.#isFollowing) {
      const moved = root.clone().sub(this.#lastRoot);
      this.#orbit.target.add(moved);
      this.#eye.position.add(moved);
    }
    this.#lastRoot.copy(root);
    this.#sun.target.position.copy(root);
    this.#sun.position.copy(root).add(new THREE.Vector3(2.5, 3, 6));
  }
}

/** What is drawn of a thing that the robot perceives: its outline, and a box that glows if the robot is busy with it. */
function marksOf(thing, isAbout) {
  if (!isAbout) return [outline(thing.size, thing.age_s < REMEMBERED_S ? SEEN : REMEMBERED)];
  const size = thing.size.map((side) => side + GLOW_M);
  return [outline(size, ABOUT), new THREE.Mesh(new THREE.BoxGeometry(...size), GLOW)];
}

function outline(size, material) {
  return new THREE.LineSegments(new THREE.EdgesGeometry(new THREE.BoxGeometry(...size)), material);
}

/** What draws: the GPU's name, or that of the software that stands in for one. Raises an Error without WebGL. */
function rendererName() {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) throw new Error("WebGL is missing");
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return name;
}

/** A mesh for one primitive with MuJoCo's half sizes; null for a shape this page does not know. */
function meshOf(geom) {
  const shape = shapeOf(geom.type, geom.size);
  if (!shape) return null;
  const [r, g, b, a] = geom.rgba;
  const material = new THREE.MeshStandardMaterial({
    color: new THREE.Color().setRGB(r, g, b, THREE.SRGBColorSpace), roughness: 0.72, metalness: 0.02,
    transparent: a < 1, opacity: a, side: THREE.FrontSide, // planes are seen from their front alone: one looks into the room through its walls
  });
  const mesh = new THREE.Mesh(shape, material);
  if (geom.type === "ellipsoid") mesh.scale.set(...geom.size);
  mesh.position.set(...geom.p);
  mesh.quaternion.set(geom.q[1], geom.q[2], geom.q[3], geom.q[0]);
  mesh.castShadow = geom.type !== "plane" && a === 1;
  mesh.receiveShadow = true;
  return mesh;
}

function shapeOf(type, [a, b, c]) {
  switch (type) {
    case "box": return new THREE.BoxGeometry(2 * a, 2 * b, 2 * c);
    case "sphere": return new THREE.SphereGeometry(a, 24, 16);
    case "ellipsoid": return new THREE.SphereGeometry(1, 24, 16);
    case "capsule": return new THREE.CapsuleGeometry(a, 2 * b, 8, 18).rotateX(Math.PI / 2); // three's stand along y
    case "cylinder": return new THREE.CylinderGeometry(a, a, 2 * b, 28).rotateX(Math.PI / 2);
    case "plane": return new THREE.PlaneGeometry(2 * a || INFINITE_PLANE, 2 * b || INFINITE_PLANE);
    default: return null;
  }
}
