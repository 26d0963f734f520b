using System.Text;
using Nethereum.Hex.HexConvertors.Extensions;
using Nethereum.Util;
using BouncyInteger = Org.BouncyCastle.Math.BigInteger;

namespace Nethereum.Signer;

/// <summary>Signs 32-byte hashes as they are.</summary>
public class MessageSigner
{
    /// <summary>Address of the key that signed the hash.</summary>
    public virtual string EcRecover(byte[] hashMessage, string signature) => EcRecover(hashMessage, ExtractEcdsaSignature(signature));

    /// <summary>Address of the key that signed the hash.</summary>
    public string EcRecover(byte[] hashMessage, EthECDSASignature signature) => EthECKey.RecoverFromSignature(signature, hashMessage).GetPublicAddress();

    /// <summary>65 bytes as hexadecimal with 0x; the last is 27 or 28.</summary>
    public virtual string Sign(byte[] message, EthECKey key) => EthECDSASignature.CreateStringSignature(key.SignAndCalculateV(message));

    /// <summary>Reads R ‖ S ‖ V of 65 bytes; V of 0 or 1 is taken as 27 or 28.</summary>
    /// <exception cref="ArgumentException">It is not 65 bytes.</exception>
    public static EthECDSASignature ExtractEcdsaSignature(string signature)
    {
        var bytes = signature.HexToByteArray();
        if (bytes.Length != 65)
        {
            throw new ArgumentException($"Found a signature of {bytes.Length} bytes, expected 65.", nameof(signature));
        }

        var v = bytes[64] < 27 ? (byte)(bytes[64] + 27) : bytes[64];
        return new EthECDSASignature(new BouncyInteger(1, bytes, 0, 32), new BouncyInteger(1, bytes, 32, 32), [v]);
    }
}

/// <summary>Signs messages behind the prefix of EIP-191 version 0x45 (personal_sign).</summary>
public class EthereumMessageSigner : MessageSigner
{
    /// <summary>Address of the key that signed the message.</summary>
    public override string EcRecover(byte[] message, string signature) => base.EcRecover(HashPrefixedMessage(message), signature);

    public byte[] HashPrefixedMessage(byte[] message) => Sha3Keccack.Current.CalculateHash(
        [.. Encoding.UTF8.GetBytes($"\u0019Ethereum Signed Message:\n{message.Length}"), .. message]);

    public override string Sign(byte[] message, EthECKey key) => base.Sign(HashPrefixedMessage(message), key);

    public string EncodeUTF8AndSign(string message, EthECKey key) => Sign(Encoding.UTF8.GetBytes(message), key);

    public string EncodeUTF8AndEcRecover(string message, string signature) => EcRecover(Encoding.UTF8.GetBytes(message), signature);
}
