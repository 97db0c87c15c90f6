/** Set-up and log-in, English. */
export default {
  'setup.title': 'Set up Kanca',
  'setup.text': 'Choose the e-mail address and password of the owner. This also replaces a forgotten password.',
  'setup.noTokenTitle': 'Open your set-up link',
  'setup.noTokenText':
    'Kanca printed a set-up link when it started. Open that link, or print a new one on the server with this command:',
  'setup.submit': 'Set up and open the panel',
  'setup.loginInstead': 'Log in instead',
  'login.title': 'Log in to Kanca',
  'login.submit': 'Log in',
  'login.forgotten': 'Forgot the password?',
  'login.forgottenText': 'Run this command on the server. It prints a link with which you choose a new password.',
  'login.command': 'Command',
  'login.wait': 'You can try again in {n} {n|second|seconds}.',
  'field.email': 'E-mail address',
  'field.password': 'Password',
  'field.passwordHint': 'At least 10 characters. A few words in a row are a good password.',
  'field.again': 'Password again',
  'error.email': 'Write an e-mail address such as you@example.com.',
  'error.short': 'The password needs at least 10 characters; this one has {n}.',
  'error.differs': 'The two passwords differ. Write the same one twice.',
  'error.noPassword': 'Write your password.',
} as const satisfies Record<string, string>;
