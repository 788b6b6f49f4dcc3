/** Waits for the first frame whose part "sample" looks like "part" (R, G, B); the picture at "moments" (ms) after it. */
async ({ sample: [x, y, width, height], part, moments }) => {
  const SIMILAR = 30;
  const video = document.querySelector("video");
  const size = window.libvirtWebRTC.size;
  const canvas = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

  const small = canvas(width, height).getContext("2d", { willReadFrequently: true });
  const looksAlike = () => {
    small.drawImage(video, x, y, width, height, 0, 0, width, height);
    const { data } = small.getImageData(0, 0, width, height);
    let error = 0;
    for (let from = 0, to = 0; to < part.length; from += 4, to += 3)
      for (let channel = 0; channel < 3; channel++) error += Math.abs(data[from + channel] - part[to + channel]);
    return error / part.length < SIMILAR;
  };

  const frame = () => new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  let began;
  do began = await frame();
  while (!looksAlike());

  const grab = async (moment) => {
    await new Promise((resolve) => setTimeout(resolve, began + moment - performance.now()));
    const shot = canvas(size.width, size.height);
    shot.getContext("2d").drawImage(video, 0, 0);
    return shot;
  };
  const shots = [];
  for (const moment of moments) shots.push(await grab(moment));
  return shots.map((shot) => shot.toDataURL("image/png"));
}
