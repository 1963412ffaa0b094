/**
 * A JWT for each algorithm, signed by PyCryptodome 4.4.0, which has arithmetic of its own: what our signer and verifier
 * must agree with though they share no line with it. The keys are of these tests only.
 */
export interface SignatureVector {
  algorithm: string
  privateJwk: Record<string, string>
  /** Its `kid` is `k1`, its `typ` is `at+jwt`, its claims are `{"sub":"Zoë"}`. */
  token: string
}

export const signatureVectors: readonly SignatureVector[] = [
  {
    algorithm: 'ES256',
    privateJwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'Ngqe9TdrcBbKbvWAUaUO_-2DTyuLyN9fOm0Ue2YuLWU',
      y: 'fCix3ojek0krrzBDzqbeVAz4wTyxTK2-Mv7YVPObuFM',
      d: 'Nh0ANZAimYHpbVY-0H5l68DOCXngeVXcsONjFNl6vpQ',
    },
    token:
      'eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJab8OrIn0.VhU7wwmYmlQO8wVQrYV7LidPlJ7el4yTIBCty4ikT9SPpJdp9bWRSqWM3m6itU-u4xqzTpLpn_o0zX-Va7MTjA',
  },
  {
    algorithm: 'ES384',
    privateJwk: {
      kty: 'EC',
      crv: 'P-384',
      x: 'bJZZ5KWQBk8S0zfX6neZc47HxnFqtRT2uMXIBt_lyZhS1x3F1YnNrsMMfzKqC3xk',
      y: '5B81uA_S25-Q-siOVPbdh47p6gPSUYabFwk2mIvEu1LbbJTmq19R4Cff8fB41ITD',
      d: 'KSGJDXO80mWtAExfg1cg8gVMFbBEc0cBSB6ODF0g12vGu5h6dxpmT9tTL3izT4Kg',
    },
    token:
      'eyJhbGciOiJFUzM4NCIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJab8OrIn0._2WAIP9COtrf6xunof3_x3HtHK-TxNq-siJrhdlhMJZmPdIySUXkrZEY-qL8uZzxxf3fUEFr131x6NGOmZ1ccr6LKSKi_wFQ8sd4u5DKv_5VI6XfAx-xsYg3jXJB11yt',
  },
  {
    algorithm: 'RS256',
    privateJwk: {
      kty: 'RSA',
      n: '5iDA3S7n26_JugiUmUZgsKOc3VkUuHg7NOG-cTuX1jwVlEl3Pji2nknRn1cNjFEm7-7BQ_62MSDfcMTwdjocy6-J1B4N-16ZQkWfx0YCBG5wLERKF1JcSRjUi5Rs359kfHPLYiL4OPAySq5UKC9W77HesdwqxlldAmwgvkIPdP6OuaBAfKMo-BP8FQUDsONvM1k3Qtp2GSi4XczdYtc05XPj5drEhvylzCzN9W5o3zptVNw1XJvbYTnkSfeEgTFZdCqSdPHLGqk2xfHpIp0KMFYzSQENmyRu7sjwBTRJ_5oF0d3wsMS5h_wAy4KRi50JEnIndgzYtm4AeOKoA5AcZw',
      e: 'AQAB',
      d: 'MPYkAoshwnBeq4l60DeUh9Bvpfp3eZ3-_svOwHms3uROtQuCZscbN4c-JbgYRlPXxHGYRfax3bcAQxZrkMPhb4ar_OjeEa65TcvRaEzhTf8PN6PZ3adkwhqZ0g6ksVlQwFfEnF8TT83u7Uu01Q3pYbsGxfGxWh0WOFc4CjK05i-BabMPkXZDsBs2ui21q4EQd-i5L44Um3oQALDiFQfDsVG4wlyddet81z2PNY20y67Cr5vt8SixD5q_QdytRiUS9sWJ--OGiJknjdFH71Ykj9kMHmqU9yI1xM3zKavJenDBnXB5LBrDU5S0MYE2oBCC48t15JfjgrDyDpiK583_5Q',
      p: '6ya1CN6C-cRu3sdf5zBJwWEjyHdBnt5XXuu73b03azHZGe-HL2ZhKDQb0AJcjI_-nPskdwOkUnDZrvO3JIDq0nHOnzGovp0_urj-yaGbW1q5AANk8ABCWOq4sXxTcG1vBgc_5bjRCAz71mo1-n8MMORp5syIYgMC8uXorPvJVT0',
      q: '-ogILMjz-vrJVQ4J32ys9REddlq8AYeaxByFXgSaLx6gI60G-r-O8jFmcIDh6q2XxXmDyySHY6BbrQ8p2qzoCWA5QTOYwmMufeC-B_I2M_rdNl2_0Yb1pBfOL7BFLKBm1TFwmaszLsn-QEeNH1QvVhqn_Rja9slePhR5vxj7OnM',
      dp: '0gJ1uAARdUOLyQbCjdTAaiZ5MLXhMyNbYHikBbrRXbjdLZ6QWzLSHne7RyB0y0xmlohs3qWwAbirkOY0cDN6hIwDfoV5MRN7MSW61xSvjP0PMAXYBcgVeRfX7xsb4dK6TuX2mRFgDhKab7nXj2ob1yaHtgqA2xfZcFkIXkVYX_k',
      dq: 'aHbWac41Jb7yunuLFFWdXOaREWvOHxkrKID3_3cNz34GqjmYwm-jrEt6-ohTK2bM9TOxB8Coj5sq_uNmwV79tgMgfJaGKO_wT96pfmi5vzzohqXauQR8YrrmZ64pee08U8M0v27KfcUONkFfj-OrhUzCJV_61ZKrsFkbVtqUzw8',
      qi: '13Aviw5ocTFtJOetblcyqNMAbr2icu3NIpE3_9E-moiiwP5-MKjxPkJYIeaeLNdfGAHnBEc_GGjMbeHEcRukxXZeceL5PMMaM9g8iR3zfwCuWEGzeyFGwa6k0b4nrroOvcplqdKCUOUwy_hys20o0OiGBw2fn9VauWiB00M3yv8',
    },
    token:
      'eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJab8OrIn0.blWV2_0SDipUjvobsqFR5Zkc1AtDv9Xs5tMSCip5P-6bseSkszLtekEADz5Trgw2dAVoCdDrqCiDf_dFT3YHYb9NzEAFbZYWzL8sAAn8xhf1wWUJf_iZ-QzIEYWwiGN3TSI_8esOLS2CfOu2z9p_KGCNSHs_oIgUl_VrmgMBBY3FiE75Ap6o5oPDRGQDDka5AjIJeaY3gs69zyBO-xSGNxuGKsgv7bDdCGzw1ku1nJg60wvPRfDlTT55or_GwPEXJeOC50RirmoeOWu_7Fh4hU-s4ff7VumG4hzS-7hjkn8o8kQEnSlJwLmgcU43SLIZ_ZYK-XzjaR_pBtdcxQmcSQ',
  },
  {
    algorithm: 'PS256',
    privateJwk: {
      kty: 'RSA',
      n: '5iDA3S7n26_JugiUmUZgsKOc3VkUuHg7NOG-cTuX1jwVlEl3Pji2nknRn1cNjFEm7-7BQ_62MSDfcMTwdjocy6-J1B4N-16ZQkWfx0YCBG5wLERKF1JcSRjUi5Rs359kfHPLYiL4OPAySq5UKC9W77HesdwqxlldAmwgvkIPdP6OuaBAfKMo-BP8FQUDsONvM1k3Qtp2GSi4XczdYtc05XPj5drEhvylzCzN9W5o3zptVNw1XJvbYTnkSfeEgTFZdCqSdPHLGqk2xfHpIp0KMFYzSQENmyRu7sjwBTRJ_5oF0d3wsMS5h_wAy4KRi50JEnIndgzYtm4AeOKoA5AcZw',
      e: 'AQAB',
      d: 'MPYkAoshwnBeq4l60DeUh9Bvpfp3eZ3-_svOwHms3uROtQuCZscbN4c-JbgYRlPXxHGYRfax3bcAQxZrkMPhb4ar_OjeEa65TcvRaEzhTf8PN6PZ3adkwhqZ0g6ksVlQwFfEnF8TT83u7Uu01Q3pYbsGxfGxWh0WOFc4CjK05i-BabMPkXZDsBs2ui21q4EQd-i5L44Um3oQALDiFQfDsVG4wlyddet81z2PNY20y67Cr5vt8SixD5q_QdytRiUS9sWJ--OGiJknjdFH71Ykj9kMHmqU9yI1xM3zKavJenDBnXB5LBrDU5S0MYE2oBCC48t15JfjgrDyDpiK583_5Q',
      p: '6ya1CN6C-cRu3sdf5zBJwWEjyHdBnt5XXuu73b03azHZGe-HL2ZhKDQb0AJcjI_-nPskdwOkUnDZrvO3JIDq0nHOnzGovp0_urj-yaGbW1q5AANk8ABCWOq4sXxTcG1vBgc_5bjRCAz71mo1-n8MMORp5syIYgMC8uXorPvJVT0',
      q: '-ogILMjz-vrJVQ4J32ys9REddlq8AYeaxByFXgSaLx6gI60G-r-O8jFmcIDh6q2XxXmDyySHY6BbrQ8p2qzoCWA5QTOYwmMufeC-B_I2M_rdNl2_0Yb1pBfOL7BFLKBm1TFwmaszLsn-QEeNH1QvVhqn_Rja9slePhR5vxj7OnM',
      dp: '0gJ1uAARdUOLyQbCjdTAaiZ5MLXhMyNbYHikBbrRXbjdLZ6QWzLSHne7RyB0y0xmlohs3qWwAbirkOY0cDN6hIwDfoV5MRN7MSW61xSvjP0PMAXYBcgVeRfX7xsb4dK6TuX2mRFgDhKab7nXj2ob1yaHtgqA2xfZcFkIXkVYX_k',
      dq: 'aHbWac41Jb7yunuLFFWdXOaREWvOHxkrKID3_3cNz34GqjmYwm-jrEt6-ohTK2bM9TOxB8Coj5sq_uNmwV79tgMgfJaGKO_wT96pfmi5vzzohqXauQR8YrrmZ64pee08U8M0v27KfcUONkFfj-OrhUzCJV_61ZKrsFkbVtqUzw8',
      qi: '13Aviw5ocTFtJOetblcyqNMAbr2icu3NIpE3_9E-moiiwP5-MKjxPkJYIeaeLNdfGAHnBEc_GGjMbeHEcRukxXZeceL5PMMaM9g8iR3zfwCuWEGzeyFGwa6k0b4nrroOvcplqdKCUOUwy_hys20o0OiGBw2fn9VauWiB00M3yv8',
    },
    token:
      'eyJhbGciOiJQUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJab8OrIn0.zoat5ZV_HLp-xHhZ4B3Po3SXfJY87oZJ4hBbF-qY8kP1I5nfssdjln2Ov69rA6MH2i1zxsY1qh6JbsdHxtUCsUw0Wc2Ach2nPSwzyOqHHswGZpyMtpP9XJ_ngN8Nr99Ood9gp4vnaCvm06B-Tt-9gO4Q9Dob5bhWzTO6oKAOO9SR0ytSDtALRFr6nyWs6TIHVicXgqoq6RhAe5xPpr3hX7g-4uktYhOnsjsAbx4DfVxx6GyjGjozEX7zvq1EbUD5djsiieQqH-anePN6k3c7eHFg8trgBSC3oLL-4R7lwaDkkyluo37byhKT0DylyIG7rW1oK7UyS4DpgBXIc4yejQ',
  },
  {
    algorithm: 'EdDSA',
    privateJwk: {
      kty: 'OKP',
      crv: 'Ed25519',
      x: 'ZG1NJLxxqqJYVIQF0bXWRdaoNZ5R1jliqcrY8XTQlbo',
      d: 'hkmiZ_fGj5isxRUskR6QA5u_FBNwaZyqDsqN53kBxds',
    },
    token:
      'eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImsxIn0.eyJzdWIiOiJab8OrIn0.p4vqmtsqilvpKjlyA6ua3xqPYsFWp5gr6XbPjwMKtlRrGPwCdESpWtA0h13fEi9bQXmLUWZQ1R-YkjSD7_9vAg',
  },
]
