// Every word the page shows, one table per language, and how names of joints and groups are read out.

const EN = {
  language: "Language", connecting: "Connecting…", connected: "Connected", page: "page {n}", lost: "Not connected",
  lostBanner: "The connection to the robot is lost. Trying again… If the robot has a hardware stop, it still works.",
  strangerBanner: "The robot was started anew with another key. Open the address it printed at its start.",
  closedBanner: "The robot closed this connection: {reason}",
  staleBanner: "No news from the robot for {s} s. What you see may be old.",
  stop: "STOP", stopLabel: "Emergency stop (Escape key)", reset: "Reset…", resetTitle: "Leave the emergency stop?",
  resetText: "Look at the robot: nobody may be within its reach. After the reset it stands by and does not move by itself.",
  resetConfirm: "Reset", cancel: "Cancel",
  stopSending: "Stop sent.", stopWaiting: "Waiting for the robot to confirm…",
  stopUnconfirmed: "STOP IS NOT CONFIRMED. Use the robot's hardware stop now.",
  stopLatched: "Emergency stop is on.", restYes: "At rest, by the joints' own readings.",
  restNo: "Still moving.", restUnknown: "Whether it is at rest is not known: no fresh joint readings.",
  room: "Room", roomLabel: "The room and the robot in 3D; drag to turn, scroll to zoom", follow: "Follow robot", resetView: "Reset view",
  noScene: "This robot has no simulated room to show. Everything else works.",
  noWebgl: "This browser cannot draw 3D (WebGL is missing). Everything else works.",
  waitingScene: "Waiting for the first picture of the room…",
  cameraLabel: "Picture from the robot's camera", cameraChoice: "Camera", noCamera: "This robot has no camera.",
  waitingCamera: "Waiting for a picture…", cameraStale: "No new picture for {s} s", exposure: "#{n}", msAgo: "{ms} ms old",
  groups: "Groups of joints", panel: "Details", control: "Control", states: "States", timing: "Timing", processes: "Processes",
  take: "Take control", release: "Let go", taking: "Asking…",
  controlFree: "Nobody is in control", controlFreeText: "Take control to move joints by hand. The robot's own skills wait meanwhile.",
  controlYours: "You are in control", controlYoursText: "Hold a button to move; let go and it stops. Closing this page gives control back.",
  controlAsking: "Asking for control…", controlAskingText: "The robot is coming to rest first.",
  controlOther: "Page {n} is in control", controlOtherText: "Wait until it lets go. STOP works from every page.",
  speed: "Speed", drive: "Drive", driveHint: "Hold the buttons or the arrow keys.",
  jogHint: "Hold − or + to move one joint slowly.", jogMinus: "{joint}: less", jogPlus: "{joint}: more",
  forward: "Forward", backward: "Backward", turnLeft: "Turn left", turnRight: "Turn right",
  talk: "Talk", talkLog: "What was said", send: "Send", sayLabel: "Say something to the robot", sayPlaceholder: "Say something…",
  talkEmpty: "Say hello, or try one of these:", talkLost: "{n} lines were lost.",
  suggestions: ["look around", "wave", "look left", "smile", "drive forward", "go home"], suggestPick: "pick up the {name}",
  person: "You", operator: "Operator", robot: "Robot", outcomeDone: "Done", outcomeFailed: "Not done",
  plan: "Plan", planSteps: "Steps of the plan", planStep: "Step {n} of {of}: {text}",
  planUnreadable: "The robot told a plan that this page does not understand; its brain may be of another version.",
  planBy: { parser: "Understood by the built-in rules", model: "Understood by the language model" },
  planState: {
    looking: "Looking", running: "Under way", done: "Done", failed: "Failed", refused: "Will not do it", asking: "Asks you",
    stopped: "Given up",
  },
  stepState: { waiting: "waits", running: "now", done: "done", failed: "failed", stopped: "given up", skipped: "not done" },
  ages: "Age of what the motors act on", agesHint: "Per sensor: how old the oldest sample behind the applied command was.",
  rates: "Rates of streams", sensor: "Sensor", now: "now", p50: "p50", p99: "p99", p999: "p99.9", max: "max", notUsed: "not used",
  stream: "Stream", rate: "rate", nominal: "nominal", age: "age", count: "count", onEvent: "on event",
  process: "Process", cpu: "CPU", memory: "RAM", ticks: "ticks", overruns: "over\u00adruns", lostMessages: "lost", realtime: "real time",
  latest: "worst wake\u2011up", pid: "pid", silentProcess: "silent",
  processesHint: "CPU is the share of one core. Overruns are ticks that came too late and were skipped.",
  softwareStop: "a software stop, not a certified safety function",
  refused: "commands refused", limited: "commands limited", reflexOverruns: "reflex overruns", reflexAge: "reflex heard",
  jointAge: "joints read", watchdog: "motors' own watchdog", watchdogBrakes: "brakes", watchdogQuiet: "quiet", never: "never",
  ago: "{t} ago", holder: "Held by {who}", holderNobody: "Nobody's", lastCause: "Last stop: {cause}", lately: "Now: {cause}",
  state: { off: "Off", standby: "Standing by", hold: "Holding still", run: "Running", stopping: "Stopping", damped: "Damped", estop: "Emergency stop" },
  stateSilent: "No news from the reflex", stateSilentText: "The motors brake by themselves.",
  source: { nobody: "nobody", idle: "idle life", skill: "a skill", teleop: "manual control", operator: "the command line" },
  verdict: {
    limited_position: "kept inside the joint's range", limited_speed: "slowed to the speed limit",
    limited_acceleration: "smoothed to the acceleration limit", limited_effort: "held to the force limit",
    limited_clearance: "slowed near itself or an obstacle", limited_person: "slowed near a person",
    refused_not_finite: "a command was not a number", refused_stale: "a command was computed from old readings",
    refused_no_lease: "a command came without a lease", refused_replayed: "an old command was sent again",
    refused_far_from_pose: "a command was far from where the joint is", refused_future: "a command claimed to be from the future",
    refused_state: "a command came while stopped", stopped_late: "the next command came too late",
    stopped_encoder_stale: "joint readings were too old", stopped_encoder_invalid: "joint readings were invalid",
    stopped_following_error: "the joint did not follow its command", stopped_torque: "unexpected force on the joint",
    stopped_lease_end: "the lease ended", stopped_estop: "emergency stop", stopped_preempted: "someone with priority took over",
    stopped_refused: "a command was refused",
  },
  shape: { cup: "cup", bottle: "bottle", box: "box", ball: "ball", can: "can", bowl: "bowl" },
  colour: {
    red: "red", orange: "orange", yellow: "yellow", green: "green", blue: "blue", purple: "purple", white: "white",
    black: "black",
  },
  name: {},
};

const KO = {
  language: "언어", connecting: "연결하는 중…", connected: "연결됨", page: "{n}번 페이지", lost: "연결 끊김",
  lostBanner: "로봇과 연결이 끊겼습니다. 다시 연결하고 있습니다… 로봇에 하드웨어 정지 버튼이 있다면 그것은 계속 동작합니다.",
  strangerBanner: "로봇이 새 열쇠로 다시 시작되었습니다. 로봇이 시작할 때 출력한 주소를 여세요.",
  closedBanner: "로봇이 연결을 닫았습니다: {reason}",
  staleBanner: "{s}초 동안 로봇에서 소식이 없습니다. 보이는 내용이 오래되었을 수 있습니다.",
  stop: "정지", stopLabel: "비상 정지 (Esc 키)", reset: "해제…", resetTitle: "비상 정지를 해제할까요?",
  resetText: "로봇을 직접 확인하세요. 팔이 닿는 곳에 아무도 없어야 합니다. 해제한 뒤 로봇은 대기하며 스스로 움직이지 않습니다.",
  resetConfirm: "해제", cancel: "취소",
  stopSending: "정지를 보냈습니다.", stopWaiting: "로봇의 확인을 기다리는 중…",
  stopUnconfirmed: "정지가 확인되지 않았습니다. 지금 로봇의 하드웨어 정지를 누르세요.",
  stopLatched: "비상 정지 중입니다.", restYes: "관절 측정값으로 멈춘 것을 확인했습니다.",
  restNo: "아직 움직이고 있습니다.", restUnknown: "관절 측정값이 없어 멈췄는지 알 수 없습니다.",
  room: "방", roomLabel: "방과 로봇의 3D 모습. 끌어서 돌리고 휠로 확대합니다", follow: "로봇 따라가기", resetView: "처음 시점",
  noScene: "이 로봇에는 보여 줄 가상의 방이 없습니다. 나머지 기능은 모두 쓸 수 있습니다.",
  noWebgl: "이 브라우저는 3D를 그릴 수 없습니다(WebGL 없음). 나머지 기능은 모두 쓸 수 있습니다.",
  waitingScene: "방의 첫 모습을 기다리는 중…",
  cameraLabel: "로봇 카메라 영상", cameraChoice: "카메라", noCamera: "이 로봇에는 카메라가 없습니다.",
  waitingCamera: "영상을 기다리는 중…", cameraStale: "{s}초 동안 새 영상이 없습니다", exposure: "#{n}", msAgo: "{ms} ms 전",
  groups: "관절 그룹", panel: "자세히", control: "조종", states: "상태", timing: "타이밍", processes: "프로세스",
  take: "조종 시작", release: "조종 놓기", taking: "요청 중…",
  controlFree: "조종하는 사람이 없습니다", controlFreeText: "조종을 시작하면 관절을 직접 움직일 수 있습니다. 그동안 로봇의 동작은 기다립니다.",
  controlYours: "지금 조종하고 있습니다", controlYoursText: "버튼을 누르는 동안 움직이고, 놓으면 멈춥니다. 페이지를 닫으면 조종을 놓습니다.",
  controlAsking: "조종을 요청하고 있습니다…", controlAskingText: "로봇이 먼저 멈추는 중입니다.",
  controlOther: "{n}번 페이지가 조종하고 있습니다", controlOtherText: "놓을 때까지 기다려 주세요. 정지는 어느 페이지에서나 됩니다.",
  speed: "속도", drive: "주행", driveHint: "버튼이나 방향키를 누르고 있으세요.",
  jogHint: "− 또는 +를 누르고 있으면 관절 하나가 천천히 움직입니다.", jogMinus: "{joint} 줄이기", jogPlus: "{joint} 늘리기",
  forward: "앞으로", backward: "뒤로", turnLeft: "왼쪽으로 돌기", turnRight: "오른쪽으로 돌기",
  talk: "대화", talkLog: "주고받은 말", send: "보내기", sayLabel: "로봇에게 할 말", sayPlaceholder: "로봇에게 말해 보세요…",
  talkEmpty: "인사를 건네거나 이렇게 말해 보세요:", talkLost: "{n}줄을 놓쳤습니다.",
  suggestions: ["둘러봐", "손 흔들어 줘", "왼쪽을 봐", "웃어 봐", "앞으로 가", "제자리로 돌아가"], suggestPick: "{name} 집어 줘",
  person: "나", operator: "운영자", robot: "로봇", outcomeDone: "완료", outcomeFailed: "하지 못함",
  plan: "계획", planSteps: "계획의 단계", planStep: "{of}단계 중 {n}단계: {text}",
  planUnreadable: "로봇이 보낸 계획을 이 페이지가 이해하지 못합니다. 두뇌의 버전이 다를 수 있습니다.",
  planBy: { parser: "내장 규칙으로 이해했습니다", model: "언어 모델로 이해했습니다" },
  planState: {
    looking: "찾는 중", running: "하는 중", done: "완료", failed: "실패", refused: "하지 않음", asking: "질문",
    stopped: "그만둠",
  },
  stepState: { waiting: "대기", running: "지금", done: "완료", failed: "실패", stopped: "그만둠", skipped: "안 함" },
  ages: "모터가 따르는 정보의 나이", agesHint: "센서마다, 실행된 명령이 쓴 가장 오래된 측정값이 얼마나 지난 것인지 보여 줍니다.",
  rates: "스트림 속도", sensor: "센서", now: "지금", p50: "p50", p99: "p99", p999: "p99.9", max: "최대", notUsed: "쓰지 않음",
  stream: "스트림", rate: "속도", nominal: "기준", age: "나이", count: "메시지", onEvent: "필요할 때",
  process: "프로세스", cpu: "CPU", memory: "메모리", ticks: "틱", overruns: "지연", lostMessages: "유실", realtime: "실시간",
  latest: "최대 깨움 오차", pid: "pid", silentProcess: "응답 없음",
  processesHint: "CPU는 코어 하나를 기준으로 한 비율입니다. 지연은 너무 늦어서 건너뛴 틱의 수입니다.",
  softwareStop: "소프트웨어 정지이며, 인증된 안전 기능이 아닙니다",
  refused: "거부한 명령", limited: "제한한 명령", reflexOverruns: "반사 제어 지연", reflexAge: "반사 제어 소식",
  jointAge: "관절 측정", watchdog: "모터 자체 감시", watchdogBrakes: "제동 중", watchdogQuiet: "정상", never: "없음",
  ago: "{t} 전", holder: "{who}이(가) 사용 중", holderNobody: "사용자 없음", lastCause: "마지막 정지: {cause}", lately: "지금: {cause}",
  state: { off: "꺼짐", standby: "대기", hold: "정지 유지", run: "동작 중", stopping: "멈추는 중", damped: "감쇠", estop: "비상 정지" },
  stateSilent: "반사 제어기 소식 없음", stateSilentText: "모터가 스스로 제동합니다.",
  source: { nobody: "없음", idle: "대기 동작", skill: "스킬", teleop: "수동 조종", operator: "명령줄" },
  verdict: {
    limited_position: "관절 범위 안으로 제한", limited_speed: "속도 한계로 늦춤",
    limited_acceleration: "가속도 한계로 완만하게 함", limited_effort: "힘 한계로 제한",
    limited_clearance: "몸이나 장애물 가까이에서 늦춤", limited_person: "사람 가까이에서 늦춤",
    refused_not_finite: "명령에 숫자가 아닌 값이 있음", refused_stale: "오래된 측정값으로 만든 명령",
    refused_no_lease: "사용권 없이 온 명령", refused_replayed: "지난 명령이 다시 옴",
    refused_far_from_pose: "현재 위치에서 너무 먼 명령", refused_future: "미래에서 왔다고 하는 명령",
    refused_state: "정지 중에 온 명령", stopped_late: "다음 명령이 너무 늦음",
    stopped_encoder_stale: "관절 측정값이 너무 오래됨", stopped_encoder_invalid: "관절 측정값이 올바르지 않음",
    stopped_following_error: "관절이 명령을 따라가지 못함", stopped_torque: "관절에 예상 밖의 힘",
    stopped_lease_end: "사용권이 끝남", stopped_estop: "비상 정지", stopped_preempted: "우선순위가 높은 쪽이 넘겨받음",
    stopped_refused: "명령이 거부됨",
  },
  shape: { cup: "컵", bottle: "병", box: "상자", ball: "공", can: "캔", bowl: "그릇" },
  colour: {
    red: "빨간", orange: "주황", yellow: "노란", green: "초록", blue: "파란", purple: "보라", white: "하얀", black: "검은",
  },
  name: {
    left: "왼쪽", right: "오른쪽", wheel: "바퀴", base: "바닥 주행부", lift: "승강", neck: "목", arm: "팔", hand: "손", gripper: "집게",
    shoulder: "어깨", elbow: "팔꿈치", wrist: "손목", pitch: "끄덕", roll: "돌림", yaw: "좌우", face: "얼굴", brow: "눈썹", inner: "안쪽",
    outer: "바깥쪽", lid: "눈꺼풀", eye: "눈", mouth: "입꼬리", jaw: "턱", encoder: "관절 센서", imu: "관성 센서", touch: "촉각",
    lidar: "라이다", camera: "카메라", head: "머리", pan: "좌우", flex: "굽힘", world: "세계", reflex: "반사 제어",
    brain: "두뇌", perception: "인식", objects: "물체", odometry: "주행 위치", recorder: "기록", page: "페이지", joint: "관절", state: "상태", command: "명령", actuation: "구동", clearance: "여유 거리",
    proximity: "사람 거리", scene: "장면", ages: "나이", say: "로봇 말", plan: "계획", outcome: "결과",
    planner: "계획", ask: "계획 요청", advice: "계획 조언",
  },
};

export const TABLES = { en: EN, ko: KO };
let language = "en";

/** Choose the language: the one remembered, else the browser's, else English. */
export function preferredLanguage() {
  const kept = remembered("vagus-language");
  if (kept in TABLES) return kept;
  return (navigator.language || "en").toLowerCase().startsWith("ko") ? "ko" : "en";
}

export function currentLanguage() {
  return language;
}

/** Switch, remember and fill every element that names a word. */
export function setLanguage(value) {
  language = value in TABLES ? value : "en";
  remember("vagus-language", language);
  document.documentElement.lang = language;
  for (const node of document.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of document.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of document.querySelectorAll("[data-t-placeholder]")) node.placeholder = t(node.dataset.tPlaceholder);
}

/** The words for a key ("state.run"), with {names} filled in. A key without words shows itself. */
export function t(key, values = {}) {
  const found = key.split(".").reduce((table, part) => (table ? table[part] : undefined), TABLES[language]);
  if (Array.isArray(found)) return found;
  return String(found ?? key).replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** What to call a thing that the robot sees: "red cup" or "빨간 컵". */
export function nameOf({ colour, shape }) {
  return `${t(`colour.${colour}`)} ${t(`shape.${shape}`)}`;
}

/** A joint's, group's or sensor's name, read out: "left_wrist_yaw" → "Left wrist yaw" or "왼쪽 손목 좌우". */
export function readable(name) {
  const [first, ...rest] = name.split(/[_.]/);
  const parts = first === "camera" ? [...rest, first] : [first, ...rest]; // camera.head → Head camera
  const known = TABLES[language].name;
  if (Object.keys(known).length) {
    const side = parts.length > 1 && ["left", "right"].includes(parts.at(-1)) ? [parts.at(-1), ...parts.slice(0, -1)] : parts;
    return side.map((part) => known[part] ?? part).join(" ");
  }
  const words = parts.join(" ").replace(/\bimu\b/, "IMU");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function remembered(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // storage is switched off in this browser
  }
}

function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // not remembered, then
  }
}
