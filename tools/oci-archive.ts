// SPDX-License-Identifier: Apache-2.0

// Writes a container image without a daemon: one layer from a folder, in a tar
// file that is both an OCI image layout and a docker archive, so `ctr images
// import`, `podman load` and `docker load` all read it. Reproducible: the same
// folder and configuration give the same bytes, and so the same digest.

import { createHash, type Hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { entriesOf, type TarEntry, tarStream } from './tar.ts';

/** The part of an image's configuration that a container starts with (OCI image specification, config.md). */
export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** NAME=value. */
  readonly Env?: readonly string[];
  /** uid or uid:gid. */
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly Labels?: Readonly<Record<string, string>>;
  readonly StopSignal?: string;
}

export type Architecture = 'amd64' | 'arm64';

export interface OciImage {
  /** Folder that becomes the image's root. */
  readonly rootFolder: string;
  readonly config: ImageConfig;
  /** 'none' is quicker to load from the same machine, 'gzip' less to carry. @default 'gzip' */
  readonly compression?: 'gzip' | 'none';
  /** @default the architecture of this machine */
  readonly architecture?: Architecture;
}

export interface ArchiveFile {
  /** Full name with tag, as in localhost/berth:dev. */
  readonly reference: string;
  /** File to write; replaced as a whole. */
  readonly output: string;
}

export interface OciArchive extends OciImage, ArchiveFile {}

export interface WrittenArchive {
  /** Digest of the image's manifest; of several, of their index. */
  readonly digest: string;
  readonly lengthBytes: number;
}

interface Blob {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly body: TarEntry['body'];
}

interface Layer extends Blob {
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
}

const MEDIA_TYPE = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  none: 'application/vnd.oci.image.layer.v1.tar',
} as const;

/** Writes one image and returns what the archive weighs and the digest of the image's manifest. */
export function writeOciArchive(archive: OciArchive): Promise<WrittenArchive> {
  return writeArchive(archive, async (work) => {
    const image = await packImage(archive, join(work, 'layer'));
    return { root: image.manifest, images: [image] };
  });
}

/**
 * Writes images of several architectures under one name, and returns the digest of their index. `docker load` takes the
 * first one alone, everything that reads OCI layouts the one that fits.
 */
export function writeOciIndex(file: ArchiveFile, images: readonly OciImage[]): Promise<WrittenArchive> {
  return writeArchive(file, async (work) => {
    const packed: PackedImage[] = [];
    for (const [place, image] of images.entries()) packed.push(await packImage(image, join(work, `layer-${place}`)));
    const index = jsonBlob(MEDIA_TYPE.index, {
      schemaVersion: 2,
      mediaType: MEDIA_TYPE.index,
      manifests: packed.map(({ manifest, architecture }) => ({
        ...descriptor(manifest),
        platform: { architecture, os: 'linux' },
      })),
    });
    return { root: index, images: packed };
  });
}

interface PackedImage {
  readonly architecture: Architecture;
  readonly config: Blob;
  readonly layer: Layer;
  readonly manifest: Blob;
}

/** What an archive holds: the blob that the name stands for, and the images. */
interface Contents {
  readonly root: Blob;
  readonly images: readonly PackedImage[];
}

async function writeArchive(
  file: ArchiveFile,
  pack: (workFolder: string) => Promise<Contents>,
): Promise<WrittenArchive> {
  // Beside the output: the last step is a rename, which does not cross file systems.
  const work = await mkdtemp(join(dirname(file.output), '.oci-archive-'));
  try {
    const contents = await pack(work);
    const whole = join(work, 'archive');
    await pipeline(tarStream(layoutEntries(file, contents)), createWriteStream(whole));
    await rename(whole, file.output);
    return { digest: contents.root.digest, lengthBytes: (await stat(file.output)).size };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function packImage(image: OciImage, file: string): Promise<PackedImage> {
  const architecture = image.architecture ?? (process.arch === 'arm64' ? 'arm64' : 'amd64');
  const layer = await writeLayer(image, file);
  // No time of creation on purpose: it would change the digest of an unchanged image.
  const config = jsonBlob(MEDIA_TYPE.config, {
    architecture,
    os: 'linux',
    config: image.config,
    rootfs: { type: 'layers', diff_ids: [layer.diffId] },
  });
  const manifest = jsonBlob(MEDIA_TYPE.manifest, {
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: descriptor(config),
    layers: [descriptor(layer)],
  });
  return { architecture, config, layer, manifest };
}

async function writeLayer({ rootFolder, compression = 'gzip' }: OciImage, file: string): Promise<Layer> {
  const plain = createHash('sha256');
  const written = createHash('sha256');
  const source = tarStream(entriesOf(rootFolder));
  const target = createWriteStream(file);
  if (compression === 'gzip') await pipeline(source, tap(plain), createGzip(), tap(written), target);
  else await pipeline(source, tap(plain), tap(written), target);
  const size = (await stat(file)).size;
  const digest = `sha256:${written.digest('hex')}`;
  const body = { file, lengthBytes: size };
  return { mediaType: MEDIA_TYPE[compression], digest, size, body, diffId: `sha256:${plain.digest('hex')}` };
}

/** Passes bytes on and hashes them on their way. */
function tap(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}

function layoutEntries({ reference }: ArchiveFile, { root, images }: Contents): TarEntry[] {
  const tag = reference.slice(reference.lastIndexOf(':') + 1);
  const annotations = { 'io.containerd.image.name': reference, 'org.opencontainers.image.ref.name': tag };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPE.index, manifests: [{ ...descriptor(root), annotations }] };
  const [first] = images;
  const docker = first && [{ Config: blobPath(first.config), RepoTags: [reference], Layers: [blobPath(first.layer)] }];
  // Two images may share a blob; an archive holds it once.
  const blobs = new Map(
    [...images.flatMap(({ config, layer, manifest }) => [config, layer, manifest]), root].map((blob) => [
      blobPath(blob),
      blob,
    ]),
  );
  return [
    { path: 'blobs/', mode: 0o755, body: 'folder' },
    { path: 'blobs/sha256/', mode: 0o755, body: 'folder' },
    ...[...blobs].map(([path, { body }]) => ({ path, mode: 0o644, body })),
    jsonEntry('index.json', index),
    jsonEntry('manifest.json', docker),
    jsonEntry('oci-layout', { imageLayoutVersion: '1.0.0' }),
  ];
}

function descriptor({ mediaType, digest, size }: Blob): Pick<Blob, 'mediaType' | 'digest' | 'size'> {
  return { mediaType, digest, size };
}

function blobPath({ digest }: Blob): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function jsonBlob(mediaType: string, value: unknown): Blob {
  const body = Buffer.from(JSON.stringify(value));
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  return { mediaType, digest, size: body.length, body };
}

function jsonEntry(path: string, value: unknown): TarEntry {
  return { path, mode: 0o644, body: Buffer.from(JSON.stringify(value)) };
}
