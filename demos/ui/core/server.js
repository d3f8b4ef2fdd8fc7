// Functions of the server that a component may call past Gradio's events.

/**
 * The answer of a function of the server. Throws an Error with the server's sentence where it refuses.
 * @param {(request: any) => Promise<any>} call @param {Record<string, unknown>} request @returns {Promise<any>}
 */
export async function ask(call, request) {
  const answer = await call(request);
  if (answer?.error) throw new Error(answer.error);
  return answer;
}
