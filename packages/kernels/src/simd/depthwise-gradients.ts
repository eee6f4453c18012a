// AssemblyScript. dw[kh, kw, c] = Σ_{n, h, w} x[n, h·strideHeight + kh·dilationHeight − top, …, c] · dy[n, h, w, c], four
// channels at a time, row by row; a row's sum is added to dw, so that no sum runs over the whole batch in one go.

export function depthwiseFilterGradient(
  x: usize,
  dy: usize,
  dw: usize,
  batch: i32,
  inHeight: i32,
  inWidth: i32,
  channels: i32,
  outHeight: i32,
  outWidth: i32,
  filterHeight: i32,
  filterWidth: i32,
  strideHeight: i32,
  strideWidth: i32,
  dilationHeight: i32,
  dilationWidth: i32,
  top: i32,
  left: i32,
): void {
  const pixel = <usize>channels << 2;
  memory.fill(dw, 0, pixel * filterHeight * filterWidth);
  const step = pixel * strideWidth;
  for (let n = 0; n < batch; n++) {
    for (let h = 0; h < outHeight; h++) {
      for (let kh = 0; kh < filterHeight; kh++) {
        const r = h * strideHeight + kh * dilationHeight - top;
        if (<u32>r >= <u32>inHeight) continue;
        for (let kw = 0; kw < filterWidth; kw++) {
          const offset = kw * dilationWidth - left;
          const first = offset >= 0 ? 0 : (strideWidth - 1 - offset) / strideWidth;
          const last = offset >= inWidth ? 0 : min(outWidth, (inWidth - 1 - offset) / strideWidth + 1);
          if (last <= first) continue;
          const xStart = x + pixel * <usize>(r * inWidth + first * strideWidth + offset);
          const dyStart = dy + pixel * <usize>first;
          const dwStart = dw + pixel * <usize>(kh * filterWidth + kw);
          let c = 0;
          for (; c + 8 <= channels; c += 8) {
            const at = <usize>c << 2;
            let s0 = f32x4.splat(0), s1 = s0;
            let p = xStart + at, q = dyStart + at;
            for (let w = first; w < last; w++) {
              s0 = f32x4.add(s0, f32x4.mul(v128.load(p), v128.load(q)));
              s1 = f32x4.add(s1, f32x4.mul(v128.load(p, 16), v128.load(q, 16)));
              p += step;
              q += pixel;
            }
            const to = dwStart + at;
            v128.store(to, f32x4.add(v128.load(to), s0));
            v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
          }
          for (; c < channels; c++) {
            const at = <usize>c << 2;
            let s: f32 = 0;
            let p = xStart + at, q = dyStart + at;
            for (let w = first; w < last; w++) {
              s += load<f32>(p) * load<f32>(q);
              p += step;
              q += pixel;
            }
            store<f32>(dwStart + at, load<f32>(dwStart + at) + s);
          }
        }
      }
      dy += pixel * outWidth;
    }
    x += pixel * inWidth * inHeight;
  }
}
