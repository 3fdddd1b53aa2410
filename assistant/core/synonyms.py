"""Words that users take for one another, a group a line. Order and inflection do not matter."""

from typing import Final

from assistant.core.words import Language

SPANISH: Final = """
    contraseña clave password pass
    correo electrónico email mail
    borrar eliminar quitar suprimir delete
    bajar descargar download
    subir cargar upload
    foto imagen fotografía retrato
    cara rostro
    cámara webcam video
    bróker broker
    lengua lenguaje idioma
    seña signo señal
    empezar empiezo empieza comenzar comienzo iniciar
    parar detener frenar
    encender activar prender
    cerrar terminar finalizar
    entrar acceder login ingresar loguear
    registro registrar anotar lectura
    historial historia registro
    factura recibo cobro facturación
    precio coste costo cuesta tarifa
    dinero plata fondos
    papel ficticio demo simulado virtual práctica
    red modelo neuronal
    acierto precisión exactitud fiable acierta
    fallo error avería falla
    servidor sistema servicio
    administrador admin administradora
    mensaje escribir contactar contacto
    dispositivo equipo ordenador computadora celular móvil teléfono
    emoción expresión sentimiento
    perder pérdida
    tope límite máximo max
    probar prueba ensayar backtest simulación
    pasado histórico anterior
    señas asl letra dactilológico
    fpga vhdl hardware
    voltear invertir flip
    robusto aguantar resistir
    programa script código
    informe reporte report
    guardar almacenar conservar
    gráfico gráfica estadística
    exportar exportación export
    orden operación trade
    persona gente
    olvidar recuperar perdí recordar recuerdo
    robot bot
    usuario cuenta perfil
"""
ENGLISH: Final = """
    password passphrase
    mail email
    delete remove erase wipe
    download export save
    photo picture image portrait
    webcam camera video
    row record entry reading
    history log
    invoice bill billing receipt
    price cost charge fee
    money cash fund
    paper play demo practice virtual fake
    network model net
    accurate accuracy precise right reliable correct
    fault error failure
    server system service site
    administrator admin
    message write contact
    device computer phone laptop browser
    emotion expression feeling mood
    lose loss losing lost
    limit cap maximum max quota
    test backtest simulation
    past historical
    sign asl letter fingerspelling
    fpga vhdl hardware
    flip invert
    robust withstand survive
    program script code
    store keep save
    chart graph statistic
    order trade
    person people
    forgot forgotten reset recover
    logout log sign
    stop halt end
    colour color
    start begin enable turn
    login log sign
    user account profile
    usage used use
"""
GROUPS: Final[dict[Language, tuple[str, ...]]] = {
    "es": tuple(SPANISH.strip().splitlines()),
    "en": tuple(ENGLISH.strip().splitlines()),
}
