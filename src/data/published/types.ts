import type { PublishedName } from '../../config/datasets.js';
import type { DataSource, DatasetInfo, SplitName } from '../types.js';

/** A file as its authors publish it. */
export interface OfficialFile {
  file: string;
  bytes: number;
  md5: string;
  sha256?: string;
}

/** What is downloaded of a form. */
export interface Download {
  /**
   * Folders of the official downloads, with a slash at the end: the authors' first, then those of well-known projects
   * that serve the same bytes.
   */
  urls: readonly [string, ...string[]];
  files: readonly OfficialFile[];
  /** Where the files are put below the data folder, and lie on a mirror: files of other sets may have the same names. */
  below: string;
}

/** One file of a CIFAR archive. */
export interface CifarPart {
  file: string;
  split: SplitName;
  records: number;
  /** Of the unpacked file. */
  md5: string;
}

interface CifarArchive extends Download {
  /** The archive alone. */
  files: readonly [OfficialFile];
  /** The folder inside the archive. */
  folder: string;
  /** In the official order, which fixes the source indices. */
  parts: readonly CifarPart[];
}

/** The binary version. */
export interface CifarForm extends CifarArchive {
  layout: 'cifar';
  /** Bytes before the pixels of a record; the last one is the (fine) label. */
  labelBytes: number;
  /** What the byte before the label is, by label. */
  coarse?: readonly number[];
}

/** The version for Python, which PyTorch and Keras keep: a pickled dictionary in each file. */
export interface CifarPythonForm extends CifarArchive {
  layout: 'cifar-python';
  /** The key of the labels. */
  labels: 'labels' | 'fine_labels';
  /** How Keras calls its own copies of the archive and of the folder, newer versions first. */
  keras: { archives: readonly string[]; folders: readonly string[] };
}

/** One idx file: `file` is gzipped; `md5` inside `unpacked` is of the bytes without gzip. */
export interface IdxFile extends OfficialFile {
  split: SplitName;
  holds: 'images' | 'labels';
  unpacked: { file: string; md5: string };
}

export interface IdxForm extends Download {
  layout: 'idx';
  files: readonly IdxFile[];
  /** Where other tools unpack it, below the data folder. */
  folders: readonly string[];
}

/** Hugging Face's version: images as they were encoded, one a row, `train*.parquet` and `test*.parquet` in a folder. */
export interface ParquetForm {
  layout: 'parquet';
  /** Its names on the hub, newer first. */
  repositories: readonly string[];
  /** The folder of the files in a repository. */
  folder: string;
  /** The columns. */
  image: string;
  label: string;
}

/** What `data import` makes of a tree of images: it names the data set itself. */
export interface StoreForm {
  layout: 'store';
}

/** What a layout has to know of one data set to find and read it. */
export type Form = CifarForm | CifarPythonForm | IdxForm | ParquetForm | StoreForm;
export type FormName = Form['layout'];
export type FormOf<L extends FormName> = Extract<Form, { layout: L }>;

/** A data set that is the same for everyone: shape, counts, and the forms in which it is found. */
export interface PublishedSpec extends Omit<DatasetInfo, 'origin' | 'name' | 'subset'> {
  name: PublishedName;
  /** Best first; the first is the one that is fetched. All give the same images in the same order. */
  forms: readonly [CifarForm | IdxForm, ...Form[]];
}

/** A file of a copy. */
export interface FoundFile {
  path: string;
  /** The official file that it is, or that it comes from. */
  file: string;
  /** Of the authors' bytes; left out where they publish none: the content may be theirs. */
  md5?: string;
  sha256?: string;
  bytes?: number;
}

/** A copy of a published data set on this machine. */
export interface Found<F extends Form = Form> {
  form: F;
  kind: 'archive' | 'folder' | 'store' | 'idx' | 'parquet';
  path: string;
  files: readonly FoundFile[];
}

/** What a copy of our own making says of itself. */
export interface StoreClaims {
  files: FoundFile[];
  /** Examples of each class. */
  perClass: Record<SplitName, number[]>;
}

/** How data sets of one form are found and read: all that the program knows of the form. */
export interface Layout<F extends Form> {
  /** Whether a copy can be the authors' own bytes; what we have made of images is an import. */
  official: boolean;
  /** Whether reading it takes so long that what comes of it is kept. */
  slow?: boolean;
  /**
   * Copies in a folder, best first.
   *
   * @param given `base` is the data set's own folder or file, not one of many data sets.
   * @param only The one half that is wanted: files of the other need not be there.
   */
  find(
    spec: PublishedSpec,
    form: F,
    base: string,
    given: boolean,
    only: SplitName | undefined,
  ): Found<F>[];
  /** Says, in a sentence after a space, which files are missing where only some are there; else ''. */
  partly?(form: F, base: string): string;
  /** Opens a copy; its records are read and checked later. */
  open(
    spec: PublishedSpec,
    found: Found<F>,
    origin: DatasetInfo['origin'],
  ): DataSource | Promise<DataSource>;
  /** Only of copies that aren't official. @throws RethinkError (`data`) where they are damaged. */
  claims?(path: string): Promise<StoreClaims>;
}

/** What a reader says of the data set, given where its bytes come from. */
export function infoOf(spec: PublishedSpec, origin: DatasetInfo['origin']): DatasetInfo {
  const { name, height, width, channels, classes, counts } = spec;
  return { name, height, width, channels, classes: [...classes], counts: { ...counts }, origin };
}
