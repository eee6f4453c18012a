import { markdown, numberColumn, type Sheet } from '@qgen/core';
import { describe, expect, it } from 'vitest';
import { html, plainText } from '../../src/display/sheet';

const sheet: Sheet = [
  { heading: 'Two models', level: 2 },
  {
    columns: [{ title: 'model' }, numberColumn('|w|')],
    rows: [
      ['float', '9.5'],
      ['<i>4 & more</i>', '10.25'],
    ],
  },
  null,
  'Smaller is "flatter".',
  { list: ['one', 'two'] },
];

describe('a sheet', () => {
  it('is plain text with columns of one width, numbers to the right', () => {
    expect(plainText(sheet).split('\n')).toEqual([
      'Two models',
      '',
      'model              |w|',
      'float              9.5',
      '<i>4 & more</i>  10.25',
      '',
      'Smaller is "flatter".',
      '',
      '- one',
      '- two',
    ]);
  });

  it('is Markdown, where a bar in a cell begins no new one', () => {
    expect(markdown(sheet)).toBe(
      [
        '## Two models',
        '',
        '| model | \\|w\\| |',
        '| --- | --: |',
        '| float | 9.5 |',
        '| <i>4 & more</i> | 10.25 |',
        '',
        'Smaller is "flatter".',
        '',
        '- one',
        '- two',
      ].join('\n'),
    );
  });

  it('is HTML that shows what looks like a tag', () => {
    const text = html(sheet);
    expect(text).toContain('<h2>Two models</h2>');
    expect(text).toContain('<td style="text-align:left">&lt;i&gt;4 &amp; more&lt;/i&gt;</td>');
    expect(text).toContain('<th style="text-align:right">|w|</th>');
    expect(text).toContain('<p>Smaller is &quot;flatter&quot;.</p>');
    expect(text).toContain('<ul><li>one</li><li>two</li></ul>');
  });
});
