// The camera of this device, and what to say when there is none.

/** Open a camera into `video`. Raises what `getUserMedia` raises; `cameraTrouble` words it. */
export async function openCamera(video, deviceId) {
  if (!navigator.mediaDevices) throw new DOMException("", "InsecureContextError");
  const wanted = deviceId ? { deviceId: { exact: deviceId } } : { facingMode: "user" };
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: false,
    video: { ...wanted, width: { ideal: 640 }, height: { ideal: 480 } },
  });
  video.srcObject = stream;
  await video.play();
  const settings = stream.getVideoTracks()[0].getSettings();
  return {
    element: video,
    deviceId: settings.deviceId,
    mirrored: settings.facingMode !== "environment", // people expect a mirror of themselves
    stop() {
      for (const track of stream.getTracks()) track.stop();
      video.srcObject = null;
    },
  };
}

export async function otherCameras() {
  const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  return devices.filter((device) => device.kind === "videoinput");
}

/** The name of the sentence for an error of `openCamera`. */
export function cameraTrouble(error) {
  const sentences = {
    InsecureContextError: isSecureContext ? "no-camera" : "insecure",
    NotAllowedError: "denied",
    SecurityError: "denied",
    NotFoundError: "no-camera",
    OverconstrainedError: "no-camera",
  };
  return sentences[error.name] ?? "busy";
}
